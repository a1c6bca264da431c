/** Voices that stay, over REST: what is asked of ingest for them, and how they are spoken with. Ingest's answers are scripted. */
import { type Bus, connectBus } from "@parlance/bus";
import { answerAsWorker } from "@parlance/bus/testing";
import {
  type AddVoice,
  addVoiceSchema,
  buckets,
  headerNames,
  SpeechError,
  type StoredVoice,
  servedSubjects,
  toVoiceAnswer,
  voiceEntries,
  voiceIdOf,
} from "@parlance/contracts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAKE_SOUND } from "../testing/fake-pipeline.ts";
import { audioForm, startRig, startTestGateway, type TestGateway, type TestRig } from "../testing/test-gateway.ts";

const PATH = "/v1/audio/voices";
let rig: TestRig;
let gateway: TestGateway;
let worker: Bus;
let ingest: Bus;
const closing = new AbortController();
/** What was asked, with the bytes of its recording. */
let added: (AddVoice & { bytes: Buffer })[];
let deleted: string[];

const reference = "0f".repeat(32);
const anna: StoredVoice = {
  ...{ id: voiceIdOf("Anna Berg"), name: "Anna Berg", createdAt: 1_700_000_000_000, reference, seconds: 3 },
  ...{ referenceText: "One.", language: "German", consent: "herself" },
};

async function answerAsIngest(bus: Bus): Promise<void> {
  const [subject] = servedSubjects("voice");
  const files = await bus.files(buckets.files);
  bus.serve(
    subject,
    "ingest",
    async (request) => {
      const [, , verb, id = ""] = request.subject.split(".");
      if (verb === "delete") {
        if (id !== anna.id) throw new SpeechError("voice_not_found");
        deleted.push(id);
        request.respond(JSON.stringify({ object: "audio.voice.deleted", id, deleted: true }));
        return;
      }
      const asked = addVoiceSchema.parse(JSON.parse(Buffer.from(request.data).toString()));
      const chunks: Uint8Array[] = [];
      for await (const chunk of (await files.read(asked.ref_audio))?.content ?? []) chunks.push(chunk);
      added.push({ ...asked, bytes: Buffer.concat(chunks) });
      if (asked.name === "music") {
        throw new SpeechError("reference_without_speech", "ref_audio: there is none", { param: "ref_audio" });
      }
      const { name, language, consent, design, seed } = asked;
      const voice = { id: voiceIdOf(name), name, createdAt: 1, reference, seconds: 3, referenceText: asked.ref_text };
      request.respond(JSON.stringify(toVoiceAnswer({ ...voice, language, consent, design, seed })));
    },
    closing.signal,
  );
  await bus.flush();
}

beforeAll(async () => {
  rig = await startRig();
  worker = await connectBus({ name: "worker", ...rig.server.as() });
  ingest = await connectBus({ name: "ingest", ...rig.server.as("ingest") });
  await answerAsIngest(ingest);
  await ingest.bucket(voiceEntries).put(anna.id, anna);
  await answerAsWorker(worker, {
    operations: ["custom_voice", "voice_design", "voice_clone"],
    languages: ["English", "German"],
    voices: [{ id: "slt", name: "SLT", gender: "female", language: "English" }],
    defaultVoice: "slt",
    instructions: true,
  });
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  closing.abort();
  await gateway.close();
  await Promise.all([worker.close(), ingest.close()]);
  await rig.close();
});
beforeEach(() => {
  added = [];
  deleted = [];
});

const send = (fields: Record<string, string>, content = "sound") =>
  gateway.json(PATH, { method: "POST", body: audioForm("audio_sample", content, "a.wav", fields) });
const submitted = () => JSON.parse(rig.pipeline.seen.at(-1)?.data.toString() ?? "");
const speak = (more: object) =>
  gateway.call("/v1/audio/speech", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: "One.", ...more }),
  });
const filesLeft = async () =>
  (await (await rig.pipeline.bus.files(buckets.files)).list()).map(({ filename }) => filename);

describe("POST /v1/audio/voices", () => {
  test("brings a form's recording to ingest, with what is said of it, and leaves no upload behind", async () => {
    const fields = { name: "Rms", consent: "Rms agreed", ref_text: "One.\r\nTwo.", language: "de", nmae: "x" };
    const answer = await send(fields);
    expect(answer).toMatchObject({
      status: 200,
      body: { object: "audio.voice", id: voiceIdOf("Rms"), name: "Rms", language: "German", consent: "Rms agreed" },
    });
    expect(answer.headers.get("parlance-warnings")).toContain("nmae");
    expect(added).toMatchObject([{ ref_text: "One.\nTwo.", x_vector_only_mode: false, consent: "Rms agreed" }]);
    expect(added[0]?.bytes.toString()).toBe("sound");
    expect(await filesLeft()).not.toContain("a.wav");
    expect((await send({ ...fields, x_vector_only_mode: "true" })).status).toBe(200);
    expect(added[1]?.x_vector_only_mode).toBe(true);
    // As Python writes it.
    expect((await send({ ...fields, x_vector_only_mode: "True" })).status).toBe(200);
    expect(added[2]?.x_vector_only_mode).toBe(true);
  });

  test("takes a recording that was uploaded before, which stays", async () => {
    const ref_audio = await gateway.upload("earlier", "earlier.wav");
    const { body } = await gateway.post(PATH, { name: "Early", ref_audio, ref_text: "One.", consent: "yes" });
    expect(body).toMatchObject({ id: voiceIdOf("Early") });
    expect(added[0]?.bytes.toString()).toBe("earlier");
    expect(await filesLeft()).toContain("earlier.wav");
  });

  test("speaks a voice that is described, once, and stores what was said", async () => {
    const before = rig.pipeline.seen.length;
    const asked = { name: "Sailor", design: "an old sailor", language: "en", seed: 7 };
    const { body, status } = await gateway.post(PATH, asked);
    expect([status, body]).toMatchObject([200, { id: voiceIdOf("Sailor"), design: "an old sailor", seed: 7 }]);
    expect(rig.pipeline.seen.length).toBe(before + 1);
    const [item] = submitted().items;
    expect(item).toMatchObject({ operation: "voice_design", instructions: "an old sailor", seed: 7 });
    expect(added[0]).toMatchObject({ ref_text: item.text, design: "an old sailor", seed: 7, language: "English" });
    expect(added[0]?.bytes.subarray(44).equals(Buffer.from(FAKE_SOUND.samples.buffer))).toBe(true);
    await gateway.post(PATH, { ...asked, seed: undefined, design_text: "Ahoy." });
    expect(submitted().items).toMatchObject([{ text: "Ahoy.", seed: expect.any(Number) }]);
    expect(added[1]).toMatchObject({ ref_text: "Ahoy.", seed: submitted().items[0].seed });
  });

  test("looks for the name of a voice that is described before anything is spoken", async () => {
    const before = rig.pipeline.seen.length;
    const made = { ...anna, name: "Captain", id: voiceIdOf("Captain"), design: "hoarse", seed: 7, consent: undefined };
    const voices = ingest.bucket(voiceEntries);
    await voices.put(made.id, { ...made, language: "English", referenceText: "Ahoy. There." });
    const asked = { name: "captain", design: "hoarse", design_text: "Ahoy.<|im_end|>\nThere.", language: "en" };
    // Whoever heard no answer asks again, with a seed or without.
    for (const more of [{}, { seed: 7 }]) {
      expect(await gateway.post(PATH, { ...asked, ...more })).toMatchObject({
        status: 200,
        body: { id: made.id, seed: 7 },
      });
    }
    const others = [
      { seed: 8 },
      { design: "young" },
      { language: "de" },
      { design_text: "Hm." },
      { x_vector_only_mode: true },
    ];
    for (const more of [...others, { name: "anna BERG" }]) {
      expect(await gateway.post(PATH, { ...asked, ...more }), JSON.stringify(more)).toMatchObject({
        ...{ status: 409, body: { error: { code: "voice_exists", param: "name" } } },
      });
    }
    await voices.delete(made.id);
    expect([rig.pipeline.seen.length, added]).toEqual([before, []]);
  });

  test("tells what is wrong by the field that its caller used", async () => {
    expect(await send({ name: "music", consent: "yes", ref_text: "One." })).toMatchObject({
      status: 400,
      body: {
        error: { code: "reference_without_speech", param: "audio_sample", message: "audio_sample: there is none" },
      },
    });
    expect(await filesLeft()).not.toContain("a.wav");
    expect(await send({ consent: "yes" })).toMatchObject({ status: 400, body: { error: { param: "name" } } });
    const wrong: [object, string, string][] = [
      [{}, "validation_failed", "ref_audio"],
      [{ design: "old", ref_audio: "f" }, "validation_failed", "design"],
      [{ ref_audio: "f", design_text: "Hi." }, "validation_failed", "design_text"],
      [{ design: "old", design_text: "\u{1f600}" }, "text_unspeakable", "design_text"],
      [{ design: "old", design_text: "so ".repeat(250) }, "validation_failed", "design_text"],
      [{ design: "old", language: "fr" }, "language_unsupported", "language"],
      [{ design: "old", seed: -1 }, "validation_failed", "seed"],
    ];
    for (const [change, code, param] of wrong) {
      const answer = await gateway.post(PATH, { name: "Bad", ...change });
      expect(answer, JSON.stringify(change)).toMatchObject({ status: 400, body: { error: { code, param } } });
    }
    expect(await gateway.json(PATH, { method: "POST" })).toMatchObject({ status: 415 });
    expect(added).toHaveLength(1);
  });

  test("a description that cannot be spoken is the error of its speech, and nothing is stored", async () => {
    const answer = await gateway.post(PATH, { name: "Bad", design: "old", design_text: "fail:engine_failed" });
    expect(answer).toMatchObject({ status: 500, body: { error: { code: "engine_failed" } } });
    expect(added).toEqual([]);
  });

  test("a description of which the model makes no voice is told as that: its sender knows of no recording", async () => {
    expect(await gateway.post(PATH, { name: "music", design: "old" })).toMatchObject({
      status: 400,
      body: {
        error: {
          ...{ code: "reference_without_speech", param: "design" },
          message: expect.stringMatching(/^design: what the model made of it .* another seed.*\(there is none\)$/),
        },
      },
    });
  });
});

test("GET /v1/audio/voices lists the models' voices, and those that are stored", async () => {
  const { body } = await gateway.json(PATH);
  expect(body).toMatchObject({
    voices: [
      { id: "slt", default: true },
      { id: anna.id, name: "Anna Berg", stored: true, default: false, consent: "herself", created_at: 1_700_000_000 },
    ],
  });
  expect(JSON.stringify(body)).not.toContain(reference);
});

test("DELETE /v1/audio/voices/{voice_id} deletes one that is there", async () => {
  expect(await gateway.json(`${PATH}/${anna.id}`, { method: "DELETE" })).toMatchObject({
    status: 200,
    body: { object: "audio.voice.deleted", id: anna.id, deleted: true },
  });
  for (const id of [voiceIdOf("nobody"), "slt", "..%2Fa"]) {
    expect(await gateway.json(`${PATH}/${id}`, { method: "DELETE" })).toMatchObject({
      status: 404,
      body: { error: { code: "voice_not_found" } },
    });
  }
  expect(deleted).toEqual([anna.id]);
});

describe("a stored voice", () => {
  test("speaks by its id and its name, by cloning, and the seed is told with the sound", async () => {
    for (const voice of [anna.id, { id: anna.id }, "anna berg"]) {
      const response = await speak({ voice, seed: 4_294_967_295, response_format: "wav" });
      expect([response.status, response.headers.get(headerNames.seed)]).toEqual([200, "4294967295"]);
      await response.arrayBuffer();
      const expected = { operation: "voice_clone", voice: anna.id, seed: 4_294_967_295 };
      expect(submitted().items).toMatchObject([expected]);
    }
    const chosen = await speak({});
    await chosen.arrayBuffer();
    expect(submitted().items).toMatchObject([{ seed: Number(chosen.headers.get(headerNames.seed)) }]);
  });

  test("is one of the queue's voices too, and its items tell their seeds when they are done", async () => {
    const items = [{ operation: "custom_voice", text: "One.", voice: anna.id, seed: 7 }];
    const { body, status } = await gateway.post("/api/v1/queue/submit", { items });
    expect([status, body]).toMatchObject([200, { total_items: 1 }]);
    await expect.poll(() => JSON.stringify(submitted())).toContain(anna.id);
    expect(submitted().items).toMatchObject([{ operation: "voice_clone", voice: anna.id, seed: 7 }]);
  });

  test("that is not there, or is told how to speak, is an error of the field", async () => {
    const nobody = voiceIdOf("nobody");
    expect(await gateway.post("/v1/audio/speech", { input: "Hi.", voice: nobody })).toMatchObject({
      status: 404,
      body: { error: { code: "voice_not_found", param: "voice" } },
    });
    const items = [
      { operation: "custom_voice", text: "Hi." },
      { operation: "custom_voice", text: "Hi.", voice: nobody },
    ];
    expect(await gateway.post("/api/v1/queue/submit", { items })).toMatchObject({
      status: 404,
      body: { error: { code: "voice_not_found", param: "items.1.voice" } },
    });
    expect(await gateway.post("/v1/audio/speech", { input: "Hi.", voice: anna.id, instructions: "sad" })).toMatchObject(
      {
        status: 400,
        body: { error: { code: "instructions_unsupported", param: "instructions" } },
      },
    );
    const clone = [{ operation: "voice_clone", text: "Hi.", ref_audio: await gateway.upload("x") }];
    expect(await gateway.post("/api/v1/queue/submit", { items: clone })).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "reference_text_missing",
          param: "items.0.ref_text",
          message: expect.stringContaining("x_vector_only_mode: true"),
        },
      },
    });
  });
});
