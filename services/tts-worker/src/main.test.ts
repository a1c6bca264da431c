/** The service as a process, with the voice that ships with the repository and the NATS user that it runs as. */
import { readFileSync } from "node:fs";
import { type ServiceProcess, startServiceProcess, useTestServer } from "@parlance/bus/testing";
import { buckets, headerNames, segmentResultSchema, streams, subjects } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

// A machine that is busy with other things speaks slowly.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const rig = useTestServer({ secured: true });
let worker: ServiceProcess;

beforeAll(async () => {
  worker = run({});
  await worker.says("tts-worker ready");
});
afterAll(async () => await worker.kill());

function run(settings: Record<string, string>): ServiceProcess {
  const main = new URL("./main.ts", import.meta.url);
  const { server } = rig;
  return startServiceProcess({ server, user: "tts-worker", main, settings: { TTS_DEVICE: "cpu", ...settings } });
}

async function result(batch: string, text: string | Uint8Array) {
  await rig.bus.publishOnce(subjects.job("custom_voice", "interactive", batch, "0", 0), text, {
    headers: [
      [headerNames.submittedAt, String(Date.now())],
      [headerNames.last, "true"],
    ],
  });
  const subject = subjects.result(batch, "0", 0);
  await expect.poll(() => rig.bus.last(streams.results, subject), { timeout: 60_000 }).toBeDefined();
  const found = await rig.bus.last(streams.results, subject);
  return segmentResultSchema.parse(JSON.parse(new TextDecoder().decode(found?.data)));
}

describe("a tts-worker", () => {
  test("says a text, and what it has loaded", async () => {
    const found = await result("b1", "Good morning, everybody.");
    if (found.outcome !== "spoken") throw new Error(JSON.stringify(found));
    expect(found).toMatchObject({ operation: "custom_voice", model: "parlance-voice", passSize: 1, truncated: false });
    expect(found.samples / found.sampleRate).toBeGreaterThan(0.5);
    expect((await (await rig.bus.files(buckets.files)).info(found.audio))?.bytes).toBe(found.samples * 2);
    const loaded = worker.log.map((line) => JSON.parse(line)).find(({ msg }) => msg.startsWith("model loaded: "));
    expect(loaded).toMatchObject({ device: "cpu", name: "parlance-voice" });
    expect(loaded.loadSeconds).toBeGreaterThan(0);
  });

  test("answers bytes that are no text with a failed result", async () => {
    expect(await result("b2", Uint8Array.of(0xff, 0xfe))).toMatchObject({
      outcome: "failed",
      operation: "custom_voice",
      error: { code: "job_invalid" },
    });
  });

  test("never loads ONNX Runtime into its supervisor", () => {
    expect(readFileSync(`/proc/${worker.child.pid}/maps`, "utf8")).not.toContain("onnxruntime");
  });

  test.each([
    [{ TTS_MODEL_ID: "nobody" }, "model nobody: "],
    [{ TTS_MODEL_ID: "parlance-en" }, "TTS_MODEL_ID: parlance-en is not a text-to-speech model"],
    [{ TTS_COMPUTE_TYPE: "int8" }, "TTS_COMPUTE_TYPE: parlance-voice has no int8 weights: use auto or float32"],
    [{ TTS_COMPUTE_TYPE: "int3" }, "TTS_COMPUTE_TYPE: must be auto, int8, int4, float16 or float32"],
    [{ TTS_DEVICE: "cuda:9" }, "TTS_DEVICE: device cuda:9 cannot be used"],
  ])("refuses to start with %j, in one line", async (settings, words) => {
    const refused = run(settings);
    const [code] = await refused.exited;
    expect(code).toBe(1);
    const told = refused.log.filter((line) => line.startsWith("tts-worker: "));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(words);
  });

  test("ends at once when it is asked to", async () => {
    const began = performance.now();
    worker.child.kill("SIGTERM");
    const [code] = await worker.exited;
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
