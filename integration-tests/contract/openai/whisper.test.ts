/**
 * OpenAI's own clients against a pipeline with a small Whisper of random weights, which has a name with a slash, translates and
 * tells log-probabilities. What it says means nothing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { smallModels } from "@parlance/asr/testing";
import { afterAll, describe, expect, it } from "vitest";
import { exactSamples, wavOf } from "../../src/clips.ts";
import { problemsOf } from "./answer-schemas.ts";
import { queueFull } from "./queue-full.ts";
import { MODEL, packages, useRoom } from "./room.ts";
import { translations } from "./translations.ts";

const ID = "someone/whisper-tiny";
let root = "";
let speech: Uint8Array = new Uint8Array(0);

const room = useRoom(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-openai-"));
  await smallModels["Whisper, merged"]?.(join(root, ID));
  speech = wavOf([await exactSamples(3)]);
  const model = { ASR_MODEL_ROOT: root, MODEL_ID: ID, MODEL_HUB: "off", ASR_BEAM_SIZE: "1", ASR_DEVICE: "cpu" };
  // A worker that stands still for a while keeps its lease.
  return { ...model, ENABLE_TTS: "false", MAX_QUEUED_JOBS: "3", PROCESSES: "many", LEASE_TTL: "60" };
});
afterAll(() => rm(root, { recursive: true }));

describe.each(packages)("%s", (name) => {
  translations(name, room, () => speech);

  it("finds a model whose name has a slash", async () => {
    const { client, answers } = room.watch(name);
    expect(await client.models.retrieve(ID)).toMatchObject({ id: ID, object: "model", owned_by: expect.any(String) });
    expect(answers.map(({ url }) => url)).toEqual([`${room.pipeline.gatewayUrl}/v1/models/someone%2Fwhisper-tiny`]);
    expect((await client.models.list()).data.map(({ id }) => id)).toContain(ID);
  });

  it("gets log-probabilities where the model has them", async () => {
    const file = await room.package(name).toFile(speech, "speech.wav");
    const answer = await room.client(name).audio.transcriptions.create({ model: MODEL, file, include: ["logprobs"] });
    expect(problemsOf("transcription", answer)).toEqual([]);
    expect(
      answer.logprobs
        ?.map(({ token }) => token)
        .join("")
        .trim(),
    ).toBe(answer.text);
  });
});
queueFull(room);
