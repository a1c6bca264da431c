/** A worker whose model does not fit the free memory of its device: what is free is passed in, everything else is real. */
import { setTimeout as pause } from "node:timers/promises";
import { changeWorkerModel, readWorkerModels } from "@parlance/bus";
import { expect, test } from "vitest";
import { livingEngines } from "../testing/pipeline.ts";
import { useWorkers } from "../testing/workers.ts";

const rig = useWorkers();
const GB = 1e9;

test("waits, starts no engine, lets the other family work, and loads when there is enough", async () => {
  let freeBytes = GB;
  const memory = async () => ({ freeBytes, totalBytes: 8 * GB });
  const worker = await rig.start({ memory, weightBytes: 2 * GB });
  const other = await rig.start({ memory, weightBytes: GB / 2, family: "tts", operations: ["custom_voice"] });
  await rig.pipeline.publish("batch", ["echo 1"]);
  while (worker.state().trouble === undefined) {
    expect(livingEngines()).toEqual([]);
    await pause(20);
  }
  expect(worker.state().trouble).toMatchObject({
    failure: {
      code: "memory_short",
      message: "The model scripted waits for memory: it needs about 2.0 GB, and cpu has 1.0 of 8.0 GB free.",
    },
    retryable: true,
  });
  await rig.pipeline.publish("batch", ["echo 2"], { first: 1, operation: "custom_voice" });
  expect(await rig.pipeline.done(1)).toMatchObject([{ text: "echo 2", model: other.state().worker }]);

  const [asked] = await changeWorkerModel(rig.pipeline.bus, "asr", "load");
  expect(asked).toMatchObject({ phase: "waiting", problem: { code: "memory_short" } });
  const [shown] = await readWorkerModels(rig.pipeline.bus, "asr");
  expect(shown).toMatchObject({ phase: "waiting", problem: { code: "memory_short" } });

  freeBytes = 3 * GB;
  expect(await rig.pipeline.done(2)).toHaveLength(2);
  expect(worker.state()).toMatchObject({ loaded: true, passes: 1 });
  expect(worker.state().trouble).toBeUndefined();
});
