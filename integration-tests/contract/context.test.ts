/**
 * A text that comes with the audio reaches the model on every way in: what the pipeline answers is what the model itself says
 * when it is given that text, and not what it says without.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type AsrModel, loadAsrModel } from "@parlance/asr";
import { smallModels } from "@parlance/asr/testing";
import { headerNames, type ItemDone, type Language, subjects } from "@parlance/contracts";
import { connect, headers as natsHeaders } from "nats";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exactSamples, wavOf } from "../src/clips.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient } from "../src/rest-client.ts";

const TIMEOUT_MS = 180_000;
const replayMain = fileURLToPath(new URL("../../services/stack/src/replay.ts", import.meta.url));
const context = 'Minutes of the meeting:\n"lazy dog", Größe, <|im_end|> fox.';

describe.each(["Qwen3-ASR, the project's own", "Whisper, the project's own"])("%s", (layout) => {
  let folder: string;
  let model: AsrModel;
  let pipeline: Pipeline;
  let samples: Int16Array;
  let wav: Uint8Array;
  /** What the model says of the clip when nobody is between. */
  let alone: string;
  let expected: string;

  async function ask(wishes: { context?: string; language?: Language }): Promise<string> {
    const common = { samples, language: "auto", timestamps: false, hotwords: [], phrases: [] } as const;
    const [outcome] = await model.transcribe([{ ...common, ...wishes }]);
    if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
    return outcome.result.text;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-context-"));
    await smallModels[layout]?.(folder);
    samples = await exactSamples(3);
    wav = wavOf([samples]);
    const settings = { MODEL_ID: folder, ASR_BEAM_SIZE: "1", ASR_DEVICE: "cpu", ENABLE_TTS: "false", MODEL_HUB: "off" };
    const options = { modelId: folder, device: "cpu", computeType: "auto", threads: 0, beamSize: 1 } as const;
    model = await loadAsrModel({ ...options, log: () => {} });
    alone = await ask({});
    expected = await ask({ context });
    pipeline = await startPipeline({ PROCESSES: "one", ...settings });
  }, TIMEOUT_MS);
  afterAll(async () => {
    await pipeline?.stop();
    await model?.close();
    await rm(folder, { recursive: true });
  });

  async function send(path: string, fields: Record<string, string>): Promise<{ status: number; body: unknown }> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([Buffer.from(wav)], { type: "audio/wav" }), "clip.wav");
    const response = await fetch(`${pipeline.gatewayUrl}${path}`, { method: "POST", body: form });
    return { status: response.status, body: await response.json() };
  }

  it(
    "says another thing with a context than without, through OpenAI's client and the upload endpoint",
    async () => {
      expect(expected).not.toBe(alone);
      const client = new OpenAI({ baseURL: `${pipeline.gatewayUrl}/v1`, apiKey: "none is needed here", maxRetries: 0 });
      const request = { model: "whisper-1", file: await toFile(wav, "clip.wav") };
      expect((await client.audio.transcriptions.create(request)).text).toBe(alone);
      expect((await client.audio.transcriptions.create({ ...request, prompt: context })).text).toBe(expected);
      expect(await send("/api/v1/transcribe/file", { context })).toMatchObject({
        status: 200,
        body: { text: expected },
      });
      const [listed] = (await client.models.list()).data;
      expect(listed).toMatchObject({ family: "asr", context: true, languages: expect.arrayContaining(["English"]) });
    },
    TIMEOUT_MS,
  );

  it(
    "hears it with an item of the queue, with one of a request, with a drop, and again in a replay",
    async () => {
      const client = createRestClient(() => pipeline.gatewayUrl);
      const file = await client.upload(wav, "clip.wav", "audio/wav");
      const post = async (path: string, body: unknown) => {
        const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
        return (await (await fetch(`${pipeline.gatewayUrl}${path}`, request)).json()) as Record<string, unknown>;
      };
      const item = { operation: "transcribe", ref_audio: file };
      const { batch_id } = await post("/api/v1/queue/submit", { items: [{ ...item, context }, item] });
      const { items } = await untilFinished(client, String(batch_id), 60_000);
      const texts = await Promise.all(items.map(({ url }) => client.json<{ text: string }>(url ?? "")));
      expect(texts.map(({ text }) => text)).toEqual([expected, alone]);

      const answer = await post("/api/v1/transcribe", { files: [{ file_id: file }], context });
      expect(answer).toMatchObject({ items: [{ text: expected }] });

      const batchId = randomUUID();
      const nats = await connect({ servers: pipeline.natsUrl });
      const done = nats.subscribe(`speech.done.${batchId}.>`, { max: 1 });
      const headers = natsHeaders();
      headers.append(headerNames.context, JSON.stringify(context));
      nats.publish(subjects.intake("test", batchId), wav, { headers });
      for await (const event of done) expect(event.json<ItemDone>().transcript?.text).toBe(expected);
      await nats.close();

      const { stdout } = await promisify(execFile)(process.execPath, [replayMain, "--batch", batchId], {
        env: { ...process.env, STATE_DIR: pipeline.stateDir },
      });
      expect(stdout).toContain(`\tdone\t${expected}`);
    },
    TIMEOUT_MS,
  );

  it(
    "is told Swahili where it knows it, and otherwise answers by the field's name",
    async () => {
      const answer = await send("/v1/audio/transcriptions", { language: "sw" });
      if (layout.startsWith("Whisper")) {
        const body = { text: await ask({ language: "Swahili" }), language: "sw" };
        expect(answer).toMatchObject({ status: 200, body });
      } else {
        const error = { code: "language_unsupported", param: "language", message: expect.stringContaining("Swahili") };
        expect(answer).toMatchObject({ status: 400, body: { error } });
      }
    },
    TIMEOUT_MS,
  );
});
