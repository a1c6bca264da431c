/** Models that cannot be loaded, from outside: the whole pipeline, a hub that is away, and the settings that users have. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  batchStatusSchema,
  errorBodySchema,
  healthSchema,
  modelConfigsSchema,
  modelsSchema,
  submitResponseSchema,
  transcribeFileResponseSchema,
  uploadResponseSchema,
} from "@parlance/contracts";
import { readManifest, shippedModels } from "@parlance/model-store";
import { type FakeHub, startFakeHub } from "@parlance/model-store/testing";
import { afterEach, describe, expect, it } from "vitest";
import { demoClips } from "../src/clips.ts";
import { type Pipeline, repositoryRoot, startPipeline } from "../src/pipeline.ts";

const TIMEOUT_MS = 180_000;

let pipeline: Pipeline | undefined;
afterEach(async () => {
  await pipeline?.stop();
  pipeline = undefined;
}, 60_000);

async function start(settings: Record<string, string>): Promise<Pipeline> {
  pipeline = await startPipeline({ PROCESSES: "one", ...settings });
  return pipeline;
}

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${pipeline?.gatewayUrl}${path}`);
  return { status: response.status, body: await response.json() };
}

async function clipForm(field: string): Promise<FormData> {
  const [clip] = await demoClips();
  if (clip === undefined) throw new Error("there are no clips");
  const form = new FormData();
  form.append(field, new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
  return form;
}

async function transcribe(): Promise<Response> {
  const body = await clipForm("audio");
  return await fetch(`${pipeline?.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body });
}

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(200);
  }
}

async function submit(): Promise<string> {
  const url = pipeline?.gatewayUrl;
  const uploaded = await fetch(`${url}/api/v1/files/upload`, { method: "POST", body: await clipForm("file") });
  const { file_id } = uploadResponseSchema.parse(await uploaded.json());
  const response = await fetch(`${url}/api/v1/queue/submit`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ items: [{ operation: "transcribe", ref_audio: file_id, text: "" }] }),
  });
  expect(response.status).toBe(200);
  return submitResponseSchema.parse(await response.json()).batch_id;
}

const status = async (batchId: string) => batchStatusSchema.parse((await get(`/api/v1/queue/status/${batchId}`)).body);

/** `npm run model -- …`, against the pipeline of the test. */
function model(...verb: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = join(repositoryRoot, "services/stack/src/model.ts");
  const env = { ...process.env, STATE_DIR: pipeline?.stateDir ?? "" };
  return new Promise((resolve) =>
    execFile(process.execPath, [program, ...verb], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    ),
  );
}

/** A hub with a copy of the model that ships, away with a status until it is not. */
async function awayHub(repository: string): Promise<FakeHub & { away: number | undefined }> {
  const folder = join(shippedModels, "parlance-en");
  const manifest = await readManifest(folder);
  const names = ["manifest.json", ...Object.values(manifest?.files ?? {}).map(({ path }) => path)];
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
  const hub = Object.assign(await startFakeHub(repository, files), { away: 503 as number | undefined });
  const turnAway = Array.from(
    { length: 10_000 },
    () => (_: unknown, response: { writeHead(code: number): { end(): void } }) => {
      if (hub.away === undefined) return false;
      response.writeHead(hub.away).end();
      return true;
    },
  );
  hub.next(`/api/models/${repository}/revision/main`, ...turnAway);
  return hub;
}

describe("a model that the hub does not give", () => {
  it(
    "is told to everybody at once, holds no request until its timeout, and is used as soon as the hub gives it",
    async () => {
      await using hub = await awayHub("someone/parlance-en-copy");
      const cache = await mkdtemp(join(tmpdir(), "parlance-hub-"));
      await start({
        MODEL_ID: "someone/parlance-en-copy",
        MODEL_HUB: hub.url,
        ASR_CACHE_DIR: cache,
        ENABLE_TTS: "False",
      });
      expect((await get("/readyz")).status).toBe(200);

      // The first one asks for the model, and is answered when that has come to nothing.
      const began = performance.now();
      const first = await transcribe();
      expect(performance.now() - began).toBeLessThan(120_000);
      expect(first.status).toBe(503);
      expect(Number(first.headers.get("retry-after"))).toBeGreaterThan(0);
      const { error } = errorBodySchema.parse(await first.json());
      expect(error.code).toBe("model_not_ready");
      expect(error.message).toMatch(/^The model someone\/parlance-en-copy is not ready: .*503.*next try in \d+ s/);

      expect((await get("/readyz")).status).toBe(503);
      const health = await get("/health");
      expect(health.status).toBe(200);
      expect(healthSchema.parse(health.body)).toMatchObject({ status: "degraded", model_loaded: false });
      const batchId = await submit();
      const waiting = await status(batchId);
      expect(waiting).toMatchObject({ status: "queued", completed: 0, failed: 0 });
      expect(waiting.waiting_reason).toContain("is not ready");

      hub.away = 404;
      const gone = await eventually(async () => {
        const answer = await transcribe();
        return answer.headers.get("x-should-retry") === "false" ? answer : undefined;
      });
      expect(errorBodySchema.parse(await gone.json()).error.message).toContain("404");
      const { stderr, code } = await model("load");
      expect(code).toBe(1);
      expect(stderr).toContain("404");

      hub.away = undefined;
      const done = await eventually(async () => {
        const found = await status(batchId);
        return found.status === "completed" ? found : undefined;
      });
      expect(done.waiting_reason).toBeNull();
      await eventually(async () => ((await get("/readyz")).status === 200 ? true : undefined));
      expect((await transcribe()).status).toBe(200);
      await rm(cache, { recursive: true });
    },
    TIMEOUT_MS,
  );
});

describe("the settings of the loader's readme, and both families", () => {
  it(
    "int8 is a wish, switches are taken as Python writes them, and a model by its name finds its family",
    async () => {
      await start({ ASR_COMPUTE_TYPE: "int8", ENABLE_FASTER_WHISPER: "True", MKL_NUM_THREADS: "1" });
      const answer = await transcribe();
      expect(transcribeFileResponseSchema.parse(await answer.json()).text).not.toBe("");
      const { workers } = modelConfigsSchema.parse((await get("/api/v1/models/config")).body);
      expect(workers.find(({ family }) => family === "asr")).toMatchObject({
        compute_type: "float32",
        compute_type_note: "parlance-en has no int8 weights: float32 is run instead",
        threads: 1,
      });

      const { models } = modelsSchema.parse(JSON.parse((await model("list", "--json")).stdout));
      expect(new Set(models.map(({ family }) => family))).toEqual(new Set(["asr", "tts"]));
      expect((await model("list")).stdout).toMatch(/parlance-voice\ttts\t/);
      const loaded = await model("load", "parlance-voice");
      expect(loaded.stdout).toMatch(/family:\s+tts\n/);
      expect(loaded.stdout).toMatch(/state:\s+loaded\n/);
      expect((await model("config")).stdout).toMatch(/int8 weights: float32 is run instead/);

      const unnamed = await model("load");
      expect(unnamed.stderr).toMatch(/say which model, or --family .*parlance-en.*parlance-voice/);
      const unknown = await model("load", "nobody/nothing");
      expect(unknown.stderr).toMatch(/"nobody\/nothing" is neither on this machine \(.*parlance-en/);
      const unloaded = await model("unload");
      expect(unloaded.stdout.match(/state:\s+unloaded\n/g)).toHaveLength(2);
    },
    TIMEOUT_MS,
  );
});
