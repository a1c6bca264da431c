import { describe, expect, test } from "vitest";
import type { BatchRecord } from "../messages/entries.ts";
import { batchOfOneSchema, doneHeadersSchema, readHeaders } from "../messages/headers.ts";
import { batchSummarySchema, itemDoneSchema } from "../messages/payloads.ts";
import { INLINE_TRANSCRIPT_BYTES } from "./done-message.ts";
import { endAlone, summaryOfOne } from "./end-alone.ts";
import { foldItem } from "./fold-item.ts";

const address = { batchId: "b", itemId: "0" };
const batch: BatchRecord = {
  batchId: "b",
  label: 'a "label" of Größe\n',
  lane: "interactive",
  acceptedAt: 1_000,
  source: "lab",
  intake: { seq: 7, digest: "d" },
  items: [{ itemId: "0", customId: "c", operation: "transcribe" }],
};
const common = { operation: "transcribe", last: true, submittedAt: 1_000, timestamps: false, finishedAt: 3_000 };
const ok = (text: string) => ({
  ...{ ...common, outcome: "ok", customId: "c", startedAt: 2_000, text, language: "English", words: [], stretches: [] },
  ...{ start: 0, duration: 1, score: -0.1, truncated: false, model: "m", passSize: 1 },
});
const failed = { ...common, outcome: "failed", error: { code: "engine_failed", message: "It\nbroke." } };

const headersOf = (pairs: readonly [string, string][]) => {
  const headers = new Map(pairs);
  return { get: (name: string) => headers.get(name) ?? "", has: (name: string) => headers.has(name) };
};

describe("the end of a batch of one segment", () => {
  test("is the item's done event as the results service would write it, with what was asked in its headers", () => {
    for (const result of [ok("hello"), ok(""), failed]) {
      const end = endAlone(address, result, batch);
      if (end === undefined) throw new Error("it has no end");
      const done = itemDoneSchema.parse(JSON.parse(end.payload));
      expect(done).toEqual(foldItem(address, new Map([[0, result as never]])));
      const headers = headersOf(end.headers);
      expect(readHeaders(batchOfOneSchema, headers).batch).toEqual(batch);
      expect(readHeaders(doneHeadersSchema, headers).status).toBe(done.status);
      expect(end.headers.every(([, value]) => !/[\r\n]/.test(value))).toBe(true);
      const summary = batchSummarySchema.parse(summaryOfOne(batch, done));
      expect(summary).toMatchObject({ batchId: "b", label: batch.label, total: 1, finishedAt: 3_000 });
      expect([summary.status, summary.completed, summary.failed]).toEqual(
        done.status === "done" ? ["completed", 1, 0] : ["error", 0, 1],
      );
    }
  });

  test("is left to the results service where it is sound, a part, or as long as a file", () => {
    expect(endAlone(address, { ...ok("x"), last: false }, batch)).toBeUndefined();
    expect(endAlone(address, ok("x".repeat(INLINE_TRANSCRIPT_BYTES)), batch)).toBeUndefined();
    const spoken = { ...common, outcome: "spoken", audio: "f", sampleRate: 1, samples: 1, pauseMs: 0, format: "wav" };
    expect(endAlone(address, { ...spoken, model: "m", passSize: 1 }, batch)).toBeUndefined();
    expect(endAlone(address, { nonsense: true }, batch)).toBeUndefined();
  });
});
