/** Models that speak as users have them on disk, in every layout that is known and of every kind, in turns: `TTS_MODEL_ID` names their folders. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gpuStatusSchema } from "@parlance/contracts";
import { samplesPerLetter, smallVoices } from "@parlance/tts/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { demoClips } from "../src/clips.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient } from "../src/rest-client.ts";

const TIMEOUT_MS = 180_000;
const WAV_HEADER = 44;
const BYTES_PER_SAMPLE = 2;

let root: string;
let pipeline: Pipeline;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-voices-"));
  const folders = Object.values(smallVoices).map((write, index) => ({ folder: join(root, String(index)), write }));
  for (const { folder, write } of folders) await write(folder);
  pipeline = await startPipeline({
    ...{ PROCESSES: "one", ENABLE_ASR: "false", MODEL_HUB: "off" },
    TTS_MODEL_ID: folders.map(({ folder }) => folder).join(","),
  });
}, TIMEOUT_MS);
afterAll(async () => {
  await pipeline?.stop();
  await rm(root, { recursive: true });
}, TIMEOUT_MS);

const letters = (text: string) => text.replace(/\W/g, "").length;
/** Of an item, as the model counts them: with the whole turn of the one who says what voice it is to be. */
const lettersOf = (item: { text: string; instructions?: string } | undefined) =>
  letters(item?.text ?? "") + (item?.instructions === undefined ? 0 : letters(`user ${item.instructions}`));
const lengthOf = (wav: Uint8Array) => (wav.length - WAV_HEADER) / BYTES_PER_SAMPLE;

async function untilVoicesAreKnown(): Promise<void> {
  await expect
    .poll(async () => await (await fetch(`${pipeline.gatewayUrl}/v1/audio/voices`)).text(), { timeout: 20_000 })
    .toContain('"anna"');
}

it(
  "serves each of them, through the queue and to OpenAI's clients, streamed and whole, and counts the swaps between them",
  async () => {
    await untilVoicesAreKnown();
    const client = createRestClient(() => pipeline.gatewayUrl);
    const [clip] = await demoClips();
    if (clip === undefined) throw new Error("there are no clips");
    const ref_audio = await client.upload(clip.bytes, clip.name, clip.type);
    const texts = ["One of the texts.", "Another one.", "And a third."];
    const items = texts.flatMap((text, index) => [
      { operation: "custom_voice" as const, text, custom_id: `spoken ${index}` },
      { operation: "voice_design" as const, text, custom_id: `designed ${index}`, instructions: "An old voice." },
      { operation: "voice_clone" as const, text, custom_id: `cloned ${index}`, ref_audio, x_vector_only_mode: true },
    ]);
    const { batch_id } = await client.submit(
      "each of them",
      items.map((item) => ({ ...item, response_format: "wav" as const })),
      randomUUID(),
    );
    const status = await untilFinished(client, batch_id, 60_000);
    for (const [index, { url, error }] of status.items.entries()) {
      if (!url) throw new Error(`${items[index]?.custom_id}: ${error}`);
      expect(lengthOf(await client.bytes(url)), items[index]?.custom_id).toBe(
        lettersOf(items[index]) * samplesPerLetter,
      );
    }
    const speech = await fetch(`${pipeline.gatewayUrl}/v1/audio/speech`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "tts-1", voice: "boris", input: "Good morning to all.", response_format: "pcm" }),
    });
    expect(speech.status).toBe(200);
    const pcm = await speech.arrayBuffer();
    expect(pcm.byteLength).toBe(letters("Good morning to all.") * samplesPerLetter * BYTES_PER_SAMPLE);
    const { devices } = gpuStatusSchema.parse(await (await fetch(`${pipeline.gatewayUrl}/api/v1/gpu`)).json());
    const swaps = devices.flatMap((device) => device.swaps.recent.map(({ model }) => model));
    // Each had its turn, and what was asked for in the end another one.
    expect(new Set(swaps).size).toBe(3);
    expect(swaps.length).toBeLessThanOrEqual(6);
  },
  TIMEOUT_MS,
);
