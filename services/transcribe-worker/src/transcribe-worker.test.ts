/** The service itself, as a process, with the model that ships with the repository and the NATS user that it runs as. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ServiceProcess, startServiceProcess, useTestServer } from "@parlance/bus/testing";
import {
  headerNames,
  type ModelVerb,
  modelListSchema,
  modelStateSchema,
  modelSubjects,
  segmentResultSchema,
  streams,
  subjects,
  type WindowMemory,
  windowAnswerSchema,
  workerStateSchema,
  writeHeaders,
} from "@parlance/contracts";
import { readManifest } from "@parlance/model-store";
import { startFakeHub } from "@parlance/model-store/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const samples = new URL("../../../models/parlance-en/samples/", import.meta.url);

const rig = useTestServer({ secured: true });
let worker: ServiceProcess;

beforeAll(async () => {
  worker = run({});
  await worker.says("transcribe-worker ready");
});
afterAll(async () => await worker.kill());

function run(settings: Record<string, string>): ServiceProcess {
  const main = new URL("./main.ts", import.meta.url);
  const { server } = rig;
  return startServiceProcess({ server, user: "transcribe-worker", main, settings: { ASR_DEVICE: "cpu", ...settings } });
}

/** 16 kHz mono PCM16 of a sample whose header is 44 bytes long. */
function pcm(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, samples)).subarray(44));
}

async function publish(batch: string, payload: Uint8Array, headers: [string, string][] = []): Promise<void> {
  await rig.bus.publishOnce(subjects.job("transcribe", "interactive", batch, "0", 0), payload, {
    headers: [[headerNames.submittedAt, String(Date.now())], [headerNames.last, "true"], ...headers],
  });
}

async function result(batch: string) {
  const subject = subjects.result(batch, "0", 0);
  await expect.poll(() => rig.bus.last(streams.results, subject), { timeout: 20_000 }).toBeDefined();
  const found = await rig.bus.last(streams.results, subject);
  return segmentResultSchema.parse(JSON.parse(new TextDecoder().decode(found?.data)));
}

describe("a transcribe-worker", () => {
  test("turns a segment into text with its times, and says what it has loaded", async () => {
    const sample = pcm("espeak-1.wav");
    await publish("b1", sample, [
      [headerNames.timestamps, "true"],
      [headerNames.start, "32000"],
    ]);
    const found = await result("b1");
    expect(found).toMatchObject({ outcome: "ok", language: "English", start: 2, last: true, passSize: 1 });
    if (found.outcome !== "ok") throw new Error("it failed");
    expect(found.duration).toBeCloseTo(sample.byteLength / 32_000);
    expect(found.text.length).toBeGreaterThan(5);
    expect(found.words.length).toBeGreaterThan(0);
    const loaded = worker.log.map((line) => JSON.parse(line)).find(({ msg }) => msg.startsWith("model loaded: "));
    expect(loaded).toMatchObject({ device: "cpu", name: "parlance-en" });
    expect(loaded.loadSeconds).toBeGreaterThan(0);
    expect(loaded.warmUpSeconds).toBeGreaterThan(0);
    const [answer] = await rig.bus.requestMany(subjects.workers, "", 300);
    expect(workerStateSchema.parse(JSON.parse(new TextDecoder().decode(answer)))).toMatchObject({
      loaded: true,
      ...{ context: false, translates: false, logprobs: false },
    });
  });

  test("answers bytes that are no samples with a failed result", async () => {
    await publish("b2", new Uint8Array(3));
    expect(await result("b2")).toMatchObject({ outcome: "failed", error: { code: "job_invalid" } });
  });

  test("hears windows of a live session, each with what it remembers of the one before", async () => {
    const sample = pcm("espeak-1.wav");
    const listening = new AbortController();
    const answers = rig.bus.subscribe(subjects.liveHeard("call"), listening.signal)[Symbol.asyncIterator]();
    await rig.bus.flush();
    const told: string[] = [];
    let memory: WindowMemory | undefined;
    for (const [window, share] of [0.4, 0.7, 1].entries()) {
      const soFar = sample.subarray(0, 2 * Math.round((sample.byteLength / 2) * share));
      const headers = writeHeaders({ item: "0", window, deadline: Date.now() + 20_000, memory });
      await rig.bus.publishOnce(subjects.liveWindow("call"), soFar, { headers });
      const { value } = await answers.next();
      const answer = windowAnswerSchema.parse(JSON.parse(new TextDecoder().decode(value?.data)));
      if (answer.outcome !== "heard") throw new Error(`it is ${answer.outcome}`);
      expect(answer).toMatchObject({ item: "0", window, language: "English", model: "parlance-en", passSize: 1 });
      expect(answer.stable.startsWith(told.at(-1) ?? "")).toBe(true);
      told.push(answer.stable);
      memory = answer.memory;
    }
    listening.abort();
    expect(told.at(-1)?.length).toBeGreaterThan(5);
  });

  test("never loads ONNX Runtime into its supervisor", () => {
    expect(readFileSync(`/proc/${worker.child.pid}/maps`, "utf8")).not.toContain("onnxruntime");
  });

  test("lists its models, and loads, shows and unloads the one that it runs", async () => {
    const state = async (verb: ModelVerb) => {
      const answer = await rig.bus.request(modelSubjects.verb("asr", verb), "", 20_000);
      return modelStateSchema.parse(JSON.parse(new TextDecoder().decode(answer)));
    };
    const listed = await rig.bus.request(modelSubjects.verb("asr", "list"), "", 5_000);
    const { selected, models } = modelListSchema.parse(JSON.parse(new TextDecoder().decode(listed)));
    expect(selected).toBe("parlance-en");
    expect(models.find(({ id }) => id === selected)).toMatchObject({ family: "asr", complete: true });
    expect(await state("unload")).toMatchObject({ phase: "unloaded" });
    const loaded = await state("load");
    expect(loaded).toMatchObject({ model: "parlance-en", phase: "loaded", device: "cpu", workerPid: worker.child.pid });
    expect(loaded).toMatchObject({ cuda: { available: false, deviceCount: 0, version: null }, batchSize: 16 });
    expect(loaded.folder).toContain("parlance-en");
    expect(loaded.totalSeconds).toBeGreaterThan(loaded.loadSeconds ?? Number.NaN);
    expect((await state("reload")).enginePid).not.toBe(loaded.enginePid);
    const line = worker.log.map((each) => JSON.parse(each)).find(({ cache_dir }) => cache_dir !== undefined);
    expect(line).toMatchObject({ model_id: "parlance-en", device: "cpu", worker_pid: worker.child.pid });
  });

  test("downloads a model from a hub with the first job, and tells nobody its token", async () => {
    worker.child.kill("SIGTERM");
    await worker.exited;
    const folder = fileURLToPath(new URL("../../../models/parlance-en/", import.meta.url));
    const manifest = await readManifest(folder);
    const names = ["manifest.json", ...Object.values(manifest?.files ?? {}).map(({ path }) => path)];
    const repository = Object.fromEntries(names.map((name) => [name, readFileSync(`${folder}${name}`)]));
    await using hub = await startFakeHub("someone/parlance-en-copy", repository);
    const cache = mkdtempSync(join(tmpdir(), "parlance-cache-"));
    worker = run({
      ASR_MODEL_ID: "someone/parlance-en-copy",
      HF_ENDPOINT: hub.url,
      HF_TOKEN: "hf_secret",
      ASR_CACHE_DIR: cache,
    });
    await worker.says("transcribe-worker ready");
    expect(hub.asked).toEqual([]);
    await publish("b3", pcm("espeak-1.wav"));
    expect(await result("b3")).toMatchObject({ outcome: "ok", model: "someone/parlance-en-copy" });
    expect(hub.asked[0]?.authorization).toBe("Bearer hf_secret");
    expect(worker.log.join()).toContain("downloading someone/parlance-en-copy");
    expect(worker.log.join()).not.toContain("hf_secret");
    rmSync(cache, { recursive: true });
  }, 60_000);

  test("ends at once when it is asked to, and leaves no engine behind", async () => {
    const began = performance.now();
    worker.child.kill("SIGTERM");
    const [code] = await worker.exited;
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
