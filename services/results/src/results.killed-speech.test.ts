import { encodeWav } from "@parlance/audio";
import type { FileStore } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { buckets, itemDoneSchema, type SegmentResult, segmentFileId, streams, subjects } from "@parlance/contracts";
import { beforeAll, expect, test } from "vitest";
import { expectOneEndEach, publishAmongKills, recordBatch } from "./testing/killed-service.ts";

const KILLS = 5;
const BATCHES = 4;
const ITEMS = 5;
const SEGMENTS = 3;
const RATE = 16_000;
const PAUSE_MS = 100;

const rig = useTestServer({ secured: true });
let files: FileStore;

beforeAll(async () => {
  files = await rig.bus.files(buckets.files);
});

/** Several parts of the store each, so that there is time to be killed while a file is read or written. */
const soundOf = (item: number, n: number) => new Int16Array(RATE * 10 + n).fill(100 * item + n + 1);

function wholeOf(item: number): Int16Array {
  const parts = Array.from({ length: SEGMENTS }, (_, n) => soundOf(item, n));
  const pause = (PAUSE_MS / 1_000) * RATE;
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length + pause, -pause));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length + pause;
  }
  return whole;
}

async function speak(batchId: string, item: number, n: number): Promise<void> {
  const sound = soundOf(item, n);
  const id = segmentFileId(batchId, String(item), n);
  await files.put(
    { id, contentType: "audio/pcm", filename: id, maxBytes: 1e9 },
    (async function* () {
      yield new Uint8Array(sound.buffer);
    })(),
  );
  const result: SegmentResult = {
    operation: "custom_voice",
    outcome: "spoken",
    last: n === SEGMENTS - 1,
    submittedAt: 1,
    startedAt: 2,
    finishedAt: 3,
    timestamps: false,
    audio: id,
    sampleRate: RATE,
    samples: sound.length,
    pauseMs: PAUSE_MS,
    format: "wav",
    truncated: false,
    model: "m",
    passSize: 1,
  };
  await rig.bus.publishOnce(subjects.result(batchId, String(item), n), JSON.stringify(result), { first: true });
}

async function publishBatch(batch: number): Promise<void> {
  const batchId = `b${batch}`;
  await recordBatch(rig, batchId, ITEMS, "custom_voice");
  for (let item = 0; item < ITEMS; item += 1) for (let n = 0; n < SEGMENTS; n += 1) await speak(batchId, item, n);
}

test(`killed ${KILLS} times while it joins and writes sound, it loses nothing, repeats nothing, and every file is whole`, {
  timeout: 180_000,
}, async () => {
  await publishAmongKills(rig, {
    kills: KILLS,
    livesMs: () => 50 + Math.random() * 400,
    async publish() {
      for (let batch = 0; batch < BATCHES; batch += 1) await publishBatch(batch);
    },
  });
  await expectOneEndEach(rig, { batches: BATCHES, items: ITEMS, timeoutMs: 120_000 });

  for await (const message of rig.bus.read({ stream: streams.results, subject: "speech.done.>" })) {
    const { audio, itemId, status } = itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
    expect(status).toBe("done");
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await files.read(audio?.file ?? ""))?.content ?? []) chunks.push(chunk);
    const expected = Buffer.from(encodeWav(wholeOf(Number(itemId)), { sampleRate: RATE }));
    expect(Buffer.concat(chunks).equals(expected), `the file of item ${itemId}`).toBe(true);
  }
});
