/** Spoken segments over a real server: joined, encoded, written before the event that names the file. */

import { randomUUID } from "node:crypto";
import { encodeWav } from "@parlance/audio";
import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  audioFileId,
  type BatchRecord,
  type BatchStatus,
  buckets,
  type ItemDone,
  itemDoneSchema,
  readSettings,
  requestSubjects,
  type SegmentResult,
  type SpeechFormat,
  segmentFileId,
  speechFormats,
  streams,
  subjects,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { describe, expect, test, vi } from "vitest";
import { createResults, resultsSettings } from "./results.ts";

// A machine that is busy with other things encodes slowly.
vi.setConfig({ testTimeout: 120_000 });

const RATE = 16_000;
const rig = useTestServer({ secured: true });

async function startResults(environment: Record<string, string> = {}, now = Date.now, sweepEveryMs = 30_000) {
  const bus = await rig.connectAs("results");
  const settings = readSettings(resultsSettings, environment);
  rig.closeAfter(await createResults({ bus, settings, log: createLog("results", "silent"), now, sweepEveryMs }));
}

async function record(itemIds: string[]): Promise<string> {
  const batchId = randomUUID();
  const items = itemIds.map((itemId) => ({ itemId, operation: "custom_voice" as const }));
  const value: BatchRecord = { batchId, label: "", lane: "batch", acceptedAt: 1, items };
  await openBatchNotebook(rig.bus).enter(value);
  return batchId;
}

interface Part {
  sound: Int16Array;
  pauseMs?: number;
  sampleRate?: number;
}

/** As a tts-worker leaves it: the sound, then the result. */
async function speak(
  batchId: string,
  n: number,
  last: boolean,
  part: Part,
  format: SpeechFormat = "wav",
  itemId = "x",
) {
  const { sound, pauseMs = 0, sampleRate = RATE } = part;
  const files = await rig.bus.files(buckets.files);
  const id = segmentFileId(batchId, itemId, n);
  await files.put(
    { id, contentType: "audio/pcm", filename: id, maxBytes: 1e9 },
    (async function* () {
      yield new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength);
    })(),
  );
  const result: SegmentResult = {
    operation: "custom_voice",
    outcome: "spoken",
    last,
    submittedAt: 1,
    startedAt: 2,
    finishedAt: 3,
    timestamps: false,
    audio: id,
    sampleRate,
    samples: sound.length,
    pauseMs,
    format,
    truncated: false,
    model: "tone",
    passSize: 1,
  };
  await rig.bus.publishOnce(subjects.result(batchId, itemId, n), JSON.stringify(result), { first: true });
}

async function done(batchId: string, itemId = "x"): Promise<ItemDone> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const message = await rig.bus.last(streams.results, subjects.done(batchId, itemId));
    if (message !== undefined) return itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
    if (Date.now() > deadline) throw new Error("it never came");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function fileOf(id: string | undefined): Promise<Buffer> {
  const file = await (await rig.bus.files(buckets.files)).read(id ?? "");
  const chunks: Uint8Array[] = [];
  for await (const chunk of file?.content ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const tone = (samples: number, value: number) => new Int16Array(samples).fill(value);

describe("a spoken item", () => {
  test("is one file: its segments in order, whatever order they came in, with their pauses between", async () => {
    await startResults();
    const batchId = await record(["x"]);
    await speak(batchId, 2, true, { sound: tone(300, 3), pauseMs: 999 });
    await speak(batchId, 0, false, { sound: tone(100_000, 1), pauseMs: 350 });
    await speak(batchId, 1, false, { sound: tone(200, 2), pauseMs: 10 });
    const event = await done(batchId);
    const whole = Int16Array.of(
      ...tone(100_000, 1),
      ...tone(5_600, 0),
      ...tone(200, 2),
      ...tone(160, 0),
      ...tone(300, 3),
    );
    expect(event).toMatchObject({ operation: "custom_voice", status: "done", segments: 3, model: "tone" });
    expect(event.audio).toEqual({
      file: audioFileId("custom_voice", batchId, "x", "wav"),
      contentType: "audio/wav",
      seconds: Math.round((whole.length / RATE) * 1_000) / 1_000,
      sampleRate: RATE,
    });
    expect(event.audioSeconds).toBe(event.audio?.seconds);
    expect(await fileOf(event.audio?.file)).toEqual(Buffer.from(encodeWav(whole, { sampleRate: RATE })));
  });

  test.each(speechFormats)("can be %s, and its status names the file", async (format) => {
    await startResults();
    const batchId = await record(["x"]);
    await speak(batchId, 0, true, { sound: tone(RATE, 500) }, format);
    const { audio } = await done(batchId);
    const head: Record<SpeechFormat, string> = { wav: "RIFF", flac: "fLaC", opus: "OggS", mp3: "", pcm: "" };
    expect((await fileOf(audio?.file)).subarray(0, head[format].length).toString()).toBe(head[format]);
    expect(audio).toMatchObject({ seconds: 1, sampleRate: format === "pcm" ? 24_000 : RATE });
    const reply = await rig.bus.request(requestSubjects.status(batchId), "", 5_000);
    const status = JSON.parse(Buffer.from(reply ?? "").toString()) as BatchStatus;
    expect(status.items[0]?.url).toBe(`/api/v1/files/${audioFileId("custom_voice", batchId, "x", format)}`);
  });

  test("of segments at two rates has the first one's", async () => {
    await startResults();
    const batchId = await record(["x"]);
    await speak(batchId, 0, false, { sound: tone(1_600, 100) });
    await speak(batchId, 1, true, { sound: tone(2_400, 100), sampleRate: 24_000 });
    expect((await done(batchId)).audio).toMatchObject({ seconds: 0.2, sampleRate: RATE });
  });

  test("of no sound at all is a file without sound", async () => {
    await startResults();
    const batchId = await record(["x"]);
    await speak(batchId, 0, true, { sound: new Int16Array() });
    const { audio } = await done(batchId);
    expect(audio?.seconds).toBe(0);
    expect(await fileOf(audio?.file)).toHaveLength(44);
  });

  test("whose sound is gone has failed, and says so", async () => {
    await startResults();
    const batchId = await record(["x"]);
    await speak(batchId, 1, true, { sound: tone(10, 1) });
    await (await rig.bus.files(buckets.files)).delete(segmentFileId(batchId, "x", 1));
    await speak(batchId, 0, false, { sound: tone(10, 1) });
    expect(await done(batchId)).toMatchObject({ status: "error", error: { code: "internal" } });
  });

  test("beside a transcript leaves it alone: minutes of speech are encoded behind what is quick", async () => {
    const batchId = await record(["x", "y"]);
    for (let n = 0; n < 20; n += 1) await speak(batchId, n, n === 19, { sound: tone(RATE * 8, 7) }, "mp3");
    const failure: SegmentResult = {
      operation: "transcribe",
      outcome: "failed",
      last: true,
      submittedAt: 1,
      finishedAt: 2,
      timestamps: false,
      error: { code: "audio_corrupt", message: "no" },
    };
    await rig.bus.publishOnce(subjects.result(batchId, "y", 0), JSON.stringify(failure), { first: true });
    await startResults();
    await done(batchId, "y");
    expect(await rig.bus.last(streams.results, subjects.done(batchId, "x"))).toBeUndefined();
    expect((await done(batchId, "x")).audio?.seconds).toBe(160);
  });
});

describe("tidying", () => {
  test("the sound of a segment stays until its item is done, then goes with its time", async () => {
    const batchId = await record(["x"]);
    await speak(batchId, 0, false, { sound: tone(10, 1) });
    let shift = 7_200_000;
    await startResults({}, () => Date.now() + shift, 50);
    const files = await rig.bus.files(buckets.files);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await files.info(segmentFileId(batchId, "x", 0))).toBeDefined();
    shift = 0;
    await speak(batchId, 1, true, { sound: tone(10, 1) });
    const { audio } = await done(batchId);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await files.info(audio?.file ?? "")).toBeDefined();
    shift = 7_200_000;
    await expect.poll(async () => (await files.list()).filter(({ id }) => id.includes(batchId)).length).toBe(0);
  });
});
