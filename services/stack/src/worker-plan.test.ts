import { readSettings } from "@parlance/contracts";
import { expect, test } from "vitest";
import { planWorkers, workerPlanSettings } from "./worker-plan.ts";

const gpus = async () => ["a", "b"].map((uuid) => ({ uuid: `GPU-${uuid}`, name: "H100", slices: [] }));
const plan = async (environment: Record<string, string>) => {
  const workers = await planWorkers(readSettings(workerPlanSettings, environment), { gpus, environment: {} });
  return workers.map(({ name, settings }) => [name, ...Object.entries(settings).flat()]);
};

test("one worker of each family runs, on the device that it finds for itself", async () => {
  expect(await plan({})).toEqual([
    ["transcribe-worker", "ASR_DEVICE", "auto"],
    ["tts-worker", "TTS_DEVICE", "auto"],
  ]);
});

test("each GPU has its workers, as many as there are on one", async () => {
  expect(await plan({ ASR_DEVICE: "cuda:*", TTS_DEVICE: "cuda:1,cpu", TRANSCRIBE_WORKERS: "2" })).toEqual([
    ["transcribe-worker", "ASR_DEVICE", "cuda:0"],
    ["transcribe-worker-2", "ASR_DEVICE", "cuda:0"],
    ["transcribe-worker-3", "ASR_DEVICE", "cuda:1"],
    ["transcribe-worker-4", "ASR_DEVICE", "cuda:1"],
    ["tts-worker", "TTS_DEVICE", "cuda:1"],
    ["tts-worker-2", "TTS_DEVICE", "cpu"],
  ]);
});

test("a family that is not offered has none, whatever its devices", async () => {
  const none = { gpus: async () => [], environment: {} };
  const settings = readSettings(workerPlanSettings, { ENABLE_TTS: "false", TTS_DEVICE: "cuda:*" });
  expect((await planWorkers(settings, none)).map(({ service }) => service)).toEqual(["transcribe-worker"]);
  const missing = readSettings(workerPlanSettings, { TTS_DEVICE: "cuda:*" });
  await expect(planWorkers(missing, none)).rejects.toMatchObject({
    param: "TTS_DEVICE",
    message: expect.stringMatching(/^TTS_DEVICE: device cuda:\* cannot be used/),
  });
});

test("a setting that is no list of devices stops the start", () => {
  for (const ASR_DEVICE of ["gpu", "auto,cpu", "cuda:0,,cuda:1", "cuda:-1", ",", "cuda:0;cuda:1"]) {
    expect(() => readSettings(workerPlanSettings, { ASR_DEVICE })).toThrow("ASR_DEVICE: must be auto, cpu, cuda");
  }
});
