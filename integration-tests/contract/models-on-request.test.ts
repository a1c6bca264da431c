/** Two models on a disk and one worker, asked for by OpenAI's own client: whoever names a model is answered by it. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSmallModel } from "@parlance/asr/testing";
import { gpuStatusSchema, modelsSchema } from "@parlance/contracts";
import { thorough } from "@parlance/contracts/testing";
import OpenAI, { InternalServerError, NotFoundError, toFile } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clip, demoClips } from "../src/clips.ts";
import { loadDirectEngine } from "../src/direct-engine.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";

const [QWEN, WHISPER, BROKEN] = ["small-qwen", "small-whisper", "broken"];
const LONG_MS = 240_000;

let root: string;
let clip: Clip;
let pipeline: Pipeline;
let client: OpenAI;
/** What each of them makes of the clip. */
const says = new Map<string, string>();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-models-"));
  const first = (await demoClips()).find(({ name }) => name === "lights.wav");
  if (first === undefined) throw new Error("there is no clip of the lights");
  clip = first;
  await writeSmallModel("qwen3-asr", join(root, QWEN));
  await writeSmallModel("whisper", join(root, WHISPER));
  await cp(join(root, QWEN), join(root, BROKEN), { recursive: true });
  // As long as it should be, and not what it should be.
  const weights = join(root, BROKEN, "weights.int8.bin");
  await writeFile(weights, (await readFile(weights)).fill(1));
  for (const model of [QWEN, WHISPER]) {
    const engine = await loadDirectEngine({ MODEL_ID: join(root, model), ASR_BEAM_SIZE: "1" });
    says.set(model, (await engine.transcribe(clip)).text);
    await engine.close();
  }
  pipeline = await startPipeline({
    PROCESSES: "one",
    ...{ MODEL_ID: QWEN, ASR_MODEL_ROOT: root, ASR_BEAM_SIZE: "1", ENABLE_TTS: "false", MODEL_HUB: "off" },
  });
  client = new OpenAI({ baseURL: `${pipeline.gatewayUrl}/v1`, apiKey: "none is needed here", maxRetries: 0 });
}, LONG_MS);

afterAll(async () => {
  await pipeline?.stop();
  await rm(root, { recursive: true });
}, 60_000);

async function ask(model: string): Promise<string> {
  const file = await toFile(clip.bytes, clip.name);
  return (await client.audio.transcriptions.create({ model, file })).text;
}

async function swaps(): Promise<number> {
  const { devices } = gpuStatusSchema.parse(await (await fetch(`${pipeline.gatewayUrl}/api/v1/gpu`)).json());
  return devices.reduce((sum, device) => sum + device.swaps.count, 0);
}

async function selected(): Promise<string | undefined> {
  const { models } = modelsSchema.parse(await (await fetch(`${pipeline.gatewayUrl}/api/v1/models`)).json());
  return models.find((model) => model.selected)?.id;
}

describe("a model that is asked for by name", () => {
  it("is another than the one beside it", () => {
    expect(says.get(QWEN)).not.toBe(says.get(WHISPER));
  });

  it(
    "answers all who ask for it, while others ask for another: a turn serves several",
    async () => {
      expect(await ask("whisper-1")).toBe(says.get(QWEN));
      const before = await swaps();
      let requests = 0;
      const asks = async (model: string) => {
        for (let n = 0; n < (thorough ? 4 : 2); n += 1) {
          expect(await ask(model)).toBe(says.get(model));
          requests += 1;
        }
      };
      await Promise.all([QWEN, WHISPER, QWEN, WHISPER, QWEN, WHISPER].map(asks));
      const swapped = (await swaps()) - before;
      // Of each model three requests wait at a time, and a turn serves all of them.
      expect(swapped).toBeGreaterThan(1);
      expect(swapped).toBeLessThanOrEqual(requests / 2);
    },
    LONG_MS,
  );

  it(
    "stays for those who name none",
    async () => {
      expect(await ask(WHISPER)).toBe(says.get(WHISPER));
      expect(await ask("gpt-4o-transcribe")).toBe(says.get(WHISPER));
      expect(await selected()).toBe(WHISPER);
    },
    LONG_MS,
  );

  it(
    "and is not what it should be is refused in the loader's words; the one before goes on",
    async () => {
      const refused = await ask(BROKEN).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(InternalServerError);
      if (!(refused instanceof InternalServerError)) return;
      expect([refused.status, refused.code]).toEqual([503, "model_not_ready"]);
      expect(refused.message).toContain("weights.int8.bin");
      expect(refused.headers?.get("x-should-retry")).toBe("false");
      expect(await ask("whisper-1")).toBe(says.get(WHISPER));
      expect(await selected()).toBe(WHISPER);
    },
    LONG_MS,
  );

  it("and is nowhere is not found, with what there is", async () => {
    const refused = await ask("whisper-large-v3").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(NotFoundError);
    expect(refused).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
    expect(String(refused)).toContain(QWEN);
  });
});
