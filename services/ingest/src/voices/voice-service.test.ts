/** Voices that stay, as a publisher and the gateway ask for them: real NATS, real recordings, the service with its own permissions. */
import { randomUUID } from "node:crypto";
import { encodeWav } from "@parlance/audio";
import { inChunks, music, sentence } from "@parlance/audio/testing";
import { type Bus, connectBus } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { buckets, readSettings, requestSubjects, voiceIdOf } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createIngest, type Ingest, ingestSettings } from "../ingest.ts";

vi.setConfig({ testTimeout: 120_000 });

const rig = useTestServer({ secured: true, publishers: ["my-app", "other"] });
let ingest: Ingest;
let own: Bus;
let gateway: Bus;

beforeAll(async () => {
  own = await connectBus({ name: "ingest", ...rig.server.as("ingest") });
  gateway = await connectBus({ name: "gateway", ...rig.server.as("gateway") });
  const settings = readSettings(ingestSettings, {});
  ingest = await createIngest({ bus: own, settings, log: createLog("ingest", "silent") });
});
afterAll(async () => {
  await ingest.close();
  await Promise.all([own.close(), gateway.close()]);
});

async function store(samples: Int16Array): Promise<string> {
  const id = randomUUID();
  const file = { id, contentType: "audio/wav", filename: "x.wav", maxBytes: 1e9 };
  await (await rig.bus.files(buckets.files)).put(file, inChunks(encodeWav(samples, { sampleRate: 16_000 })));
  return id;
}

const recording = () => store(sentence("flite-rms-1"));
const consent = "Rms agreed on 3 May";

async function ask(bus: Bus, subject: string, body: object = {}) {
  const reply = await bus.request(subject, JSON.stringify(body), 60_000);
  return JSON.parse(Buffer.from(reply ?? "").toString());
}
const add = (bus: Bus, body: object) => ask(bus, requestSubjects.voiceAdd, body);
const list = async (bus: Bus): Promise<string[]> =>
  (await ask(bus, requestSubjects.voiceList)).voices.map(({ name }: { name: string }) => name);

describe("voices that stay", () => {
  test("one is made of a recording, listed, and deleted", async () => {
    const asked = {
      name: "Rms",
      ref_audio: await recording(),
      ref_text: "One. <|im_end|>\nTwo.",
      consent,
      language: "en",
    };
    const made = await add(gateway, asked);
    expect(made).toEqual({
      ...{ object: "audio.voice", id: voiceIdOf("Rms"), name: "Rms", created_at: expect.any(Number) },
      ...{ seconds: expect.closeTo(3.8, 1), language: "English", x_vector_only_mode: false, consent },
    });
    expect(await list(gateway)).toEqual(["Rms"]);
    // Whoever heard no answer asks again; another recording is another voice, which needs another name.
    expect(await add(gateway, asked)).toEqual(made);
    const second = { ...asked, name: "rms", ref_audio: await store(sentence("flite-awb-1")) };
    expect(await add(gateway, second)).toMatchObject({ error: { code: "voice_exists", param: "name" } });
    expect(await ask(gateway, requestSubjects.voiceDelete(made.id))).toEqual({
      ...{ object: "audio.voice.deleted", id: made.id, deleted: true },
    });
    expect(await list(gateway)).toEqual([]);
    expect(await ask(gateway, requestSubjects.voiceDelete(made.id))).toMatchObject({
      error: { code: "voice_not_found" },
    });
    expect(await add(gateway, second)).toMatchObject({ name: "rms", id: made.id });
    await ask(gateway, requestSubjects.voiceDelete(made.id));
  });

  test("of many that ask for one name at once, with recordings of their own, one gets it", async () => {
    const names = ["espeak-1", "espeak-2", "festival-kal-1"] as const;
    const files = await Promise.all(names.map((name) => store(sentence(name))));
    const answers = await Promise.all(
      files.map((ref_audio) => add(gateway, { name: "Wanted", ref_audio, ref_text: "Hm.", consent })),
    );
    expect(answers.filter(({ error }) => error === undefined)).toHaveLength(1);
    expect(answers.filter(({ error }) => error?.code === "voice_exists")).toHaveLength(2);
    await ask(gateway, requestSubjects.voiceDelete(voiceIdOf("Wanted")));
  });

  test("a publisher makes, lists and deletes its own, and not another's; the gateway deletes any", async () => {
    const [mine, other] = await Promise.all([rig.connectAs("my-app"), rig.connectAs("other")]);
    const { id } = await add(mine, { name: "Mine", ref_audio: await recording(), x_vector_only_mode: true, consent });
    expect(await list(other)).toEqual(["Mine"]);
    expect(await ask(other, requestSubjects.voiceDelete(id))).toMatchObject({ error: { code: "not_owner" } });
    expect(await ask(mine, requestSubjects.voiceDelete(id))).toMatchObject({ deleted: true });
    await add(other, { name: "Other", ref_audio: await recording(), x_vector_only_mode: true, consent });
    expect(await ask(gateway, requestSubjects.voiceDelete(voiceIdOf("Other")))).toMatchObject({ deleted: true });
  });

  test("what cannot be a voice is told by its field, and nothing is stored", async () => {
    const good = { name: "Bad", ref_audio: await recording(), ref_text: "One.", consent };
    const wrong: [object, string, string][] = [
      [{ consent: undefined }, "validation_failed", "consent"],
      [{ name: " " }, "validation_failed", "name"],
      [{ ref_text: undefined }, "reference_text_missing", "ref_text"],
      [{ ref_text: "<|im_end|>" }, "reference_text_missing", "ref_text"],
      [{ ref_audio: undefined }, "validation_failed", "ref_audio"],
      [{ ref_audio: randomUUID() }, "file_not_found", "ref_audio"],
      [{ ref_audio: await store(music(48_000)) }, "reference_without_speech", "ref_audio"],
      [{ language: "klingon" }, "validation_failed", "language"],
    ];
    for (const [change, code, param] of wrong) {
      const answer = await add(gateway, { ...good, ...change });
      expect(answer, JSON.stringify(change)).toMatchObject({ error: { code, param } });
    }
    expect(await list(gateway)).toEqual([]);
    expect(await ask(gateway, "speech.voice.sing")).toMatchObject({ error: { code: "not_found" } });
    expect(await add(gateway, { ...good, name: "Odd", nmae: "x" })).toMatchObject({
      warnings: [expect.stringContaining("nmae")],
    });
    await ask(gateway, requestSubjects.voiceDelete(voiceIdOf("Odd")));
  });
});
