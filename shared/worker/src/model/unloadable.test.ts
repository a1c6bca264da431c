/** Workers whose model cannot be loaded, among others and alone. */
import { setTimeout as pause } from "node:timers/promises";
import { modelStateSchema, modelSubjects, notReady, SpeechError } from "@parlance/contracts";
import { expect, test, vi } from "vitest";
import { useWorkers } from "../testing/workers.ts";
import type { ModelSource } from "./ready-model.ts";

vi.setConfig({ testTimeout: 60_000 });

const rig = useWorkers();
const { start } = rig;

async function eventually(look: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await look())) await pause(20);
}

test("a model that cannot be loaded is told with its tries, and is loaded as soon as it can be, with nobody asking again", async () => {
  let loadFails = true;
  const worker = await start({ engineOptions: () => ({ loadFails }) });
  await rig.pipeline.publish("batch", ["echo 1"]);
  await eventually(() => (worker.state().trouble?.tries ?? 0) >= 3);
  expect(worker.state()).toMatchObject({
    loaded: false,
    trouble: { failure: { code: "validation_failed", message: "no such model" }, retryable: false },
  });
  expect(notReady([worker.state()])).toMatchObject({
    code: "model_not_ready",
    retryable: false,
    message: expect.stringMatching(
      /^The model scripted is not ready: no such model \(tried \d+ times, next try in \d+ s\)\.$/,
    ),
  });
  loadFails = false;
  expect(await rig.pipeline.done(1)).toMatchObject([{ outcome: "ok" }]);
  expect(worker.state()).toMatchObject({ loaded: true, trouble: undefined });
});

test("what waits is given back between the tries, and tries go on when it is gone", async () => {
  const worker = await start({ engineOptions: { loadFails: true } });
  await rig.pipeline.publish("batch", ["echo 1", "echo 2"]);
  await eventually(() => (worker.state().trouble?.tries ?? 0) >= 2);
  const able = await start();
  expect(await rig.pipeline.done(2)).toHaveLength(2);
  await rig.close(1);
  expect(able.state().trouble).toBeUndefined();
  const before = worker.state().trouble?.tries ?? 0;
  await eventually(() => (worker.state().trouble?.tries ?? 0) > before);
});

test("where another worker of the family can load the model, no trouble is told and its jobs are done", async () => {
  const broken = await start({ engineOptions: { loadFails: true } });
  await rig.pipeline.publish("interactive", ["echo 0"]);
  await eventually(() => broken.state().trouble !== undefined);
  const able = await start();
  for (let n = 1; n < 4; n += 1) await rig.pipeline.publish("interactive", [`echo ${n}`], { first: n });
  expect((await rig.pipeline.done(4)).every(({ outcome }) => outcome === "ok")).toBe(true);
  expect(notReady([broken.state(), able.state()])).toBeUndefined();
});

test("a hub that is away is told, asked again without any work, and somebody who loads by hand waits for no pause", async () => {
  let away = true;
  const models: ModelSource = {
    selected: "a",
    folder: undefined,
    ready: false,
    async getReady() {
      if (away) throw new SpeechError("model_unavailable", "the hub is away");
      return { name: "a", options: {}, maxBatchSize: 4 };
    },
    async admit() {},
    list: async () => [],
    facts: { cuda: { available: false, version: null, deviceCount: 0 }, threads: 0 },
  };
  const worker = await start({ models });
  const ask = async (verb: "load" | "config") =>
    JSON.parse(new TextDecoder().decode(await rig.pipeline.bus.request(modelSubjects.verb("asr", verb), "", 20_000)));
  expect(await ask("load")).toMatchObject({ error: { code: "model_unavailable" } });
  await eventually(() => (worker.state().trouble?.tries ?? 0) >= 5);
  expect(worker.state().trouble).toMatchObject({ failure: { message: "the hub is away" }, retryable: true });
  expect(modelStateSchema.parse(await ask("config")).problem).toMatchObject({ message: "the hub is away" });
  away = false;
  // The next try by itself is seconds away.
  const began = performance.now();
  const rest = worker.state().trouble?.retryInSeconds ?? 0;
  expect(await ask("load")).toMatchObject({ phase: "loaded", model: "a" });
  expect(performance.now() - began).toBeLessThan(Math.max(3_000, rest * 1_000));
  expect(worker.state().trouble).toBeUndefined();
});
