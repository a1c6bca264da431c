import { useTestServer } from "@parlance/bus/testing";
import { buckets, itemDoneSchema, type SegmentResult, streams, subjects } from "@parlance/contracts";
import { expect, test } from "vitest";
import { expectOneEndEach, publishAmongKills, recordBatch } from "./testing/killed-service.ts";

const KILLS = 8;
const BATCHES = 24;
const ITEMS = 12;

const rig = useTestServer({ secured: true });

/** Item 0 is long, item 1 large, item 2 bad; the others are one segment. */
function segmentsOf(item: number): SegmentResult[] {
  const common = { operation: "transcribe" as const, submittedAt: 1, startedAt: 2, finishedAt: 3, timestamps: false };
  if (item === 2) {
    return [{ ...common, outcome: "failed", last: true, error: { code: "audio_corrupt", message: "no" } }];
  }
  const total = item === 0 ? 9 : 1;
  return Array.from({ length: total }, (_, n) => ({
    ...common,
    outcome: "ok",
    last: n === total - 1,
    text: item === 1 ? `large${item} `.repeat(6_000).trim() : `i${item}n${n}`,
    language: "English",
    words: [],
    stretches: [],
    start: n * 25,
    duration: 25,
    score: 0,
    truncated: false,
    model: "m",
    passSize: 1,
  }));
}

function textOf(item: number): string {
  return segmentsOf(item)
    .map((segment) => (segment.outcome === "ok" ? segment.text : ""))
    .join(" ");
}

async function publishBatch(batch: number): Promise<void> {
  const batchId = `b${batch}`;
  await recordBatch(rig, batchId, ITEMS, "transcribe");
  for (let item = 0; item < ITEMS; item += 1) {
    for (const [n, segment] of segmentsOf(item).entries()) {
      await rig.bus.publishOnce(subjects.result(batchId, String(item), n), JSON.stringify(segment), { first: true });
    }
  }
}

test(`killed ${KILLS} times between any two of its steps, it loses nothing and repeats nothing`, {
  timeout: 120_000,
}, async () => {
  await publishAmongKills(rig, {
    kills: KILLS,
    // Random within the time that a pull takes to be folded.
    livesMs: () => Math.random() * 120,
    async publish() {
      for (let batch = 0; batch < BATCHES; batch += 1) await publishBatch(batch);
    },
  });
  await expectOneEndEach(rig, { batches: BATCHES, items: ITEMS, timeoutMs: 60_000 });

  const files = await rig.bus.files(buckets.files);
  for await (const message of rig.bus.read({ stream: streams.results, subject: "speech.done.>" })) {
    const event = itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
    const item = Number(event.itemId);
    if (item === 2) expect(event.error?.code).toBe("audio_corrupt");
    else if (event.file === undefined) expect(event.transcript?.text).toBe(textOf(item));
    else {
      const chunks: Uint8Array[] = [];
      for await (const chunk of (await files.read(event.file))?.content ?? []) chunks.push(chunk);
      expect(JSON.parse(Buffer.concat(chunks).toString()).text).toBe(textOf(item));
    }
  }
});
