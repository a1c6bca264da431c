import type { ConsumerState, FileInfo, StreamState } from "@parlance/bus";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expiredFiles } from "./files-janitor.ts";
import { purgeLimit } from "./stream-janitor.ts";

const minute = 60_000;
const upload = (createdAt: number): FileInfo => ({
  id: `u${createdAt}`,
  bytes: 1,
  contentType: "",
  filename: "",
  createdAt,
});
const output = (createdAt: number): FileInfo => ({ ...upload(createdAt), id: "queue_transcribe_b.0.json" });

describe("expiredFiles", () => {
  const clock = { now: 100 * minute, oldestUnfinished: 100 * minute, ttlMs: 30 * minute };

  test("an upload expires after its time and a grace", () => {
    expect(expiredFiles([upload(68 * minute), upload(69.5 * minute)], clock)).toEqual([upload(68 * minute)]);
  });

  test("an upload that unfinished work may name outlives its time", () => {
    expect(expiredFiles([upload(60 * minute)], { ...clock, oldestUnfinished: 80 * minute })).toEqual([]);
    expect(expiredFiles([upload(40 * minute)], { ...clock, oldestUnfinished: 80 * minute })).toHaveLength(1);
  });

  test("an output does not wait for the queue", () => {
    const waiting = { ...clock, oldestUnfinished: 0 };
    expect(expiredFiles([output(69.5 * minute)], waiting)).toEqual([]);
    expect(expiredFiles([output(68 * minute)], waiting)).toHaveLength(1);
  });
});

describe("the sound of a segment", () => {
  test("has its own clock, whatever waits at the door: whether its item is done is asked when its time is over", () => {
    const clock = { now: 100 * minute, oldestUnfinished: 0, ttlMs: 30 * minute };
    const segment = (createdAt: number): FileInfo => ({ ...upload(createdAt), id: "segment_b.0.3" });
    expect(expiredFiles([segment(69.5 * minute)], clock)).toEqual([]);
    expect(expiredFiles([segment(68 * minute)], clock)).toHaveLength(1);
  });
});

const stream = (overrides: Partial<StreamState> = {}): StreamState => ({
  messages: 100,
  bytes: 100,
  maxBytes: 1_000,
  firstSeq: 1,
  lastSeq: 100,
  ...overrides,
});
const consumer = (overrides: Partial<ConsumerState> = {}): ConsumerState => ({
  pending: 0,
  ackPending: 0,
  ackFloor: 100,
  ...overrides,
});

describe("purgeLimit", () => {
  test("keeps what may be replayed", () => {
    expect(purgeLimit({ stream: stream(), consumers: [consumer()], firstInWindow: 40 })).toBe(40);
    expect(purgeLimit({ stream: stream(), consumers: [consumer()], firstInWindow: undefined })).toBe(101);
  });

  test("keeps what one of the durables has not finished", () => {
    const consumers = [consumer(), consumer({ ackFloor: 80 })];
    expect(purgeLimit({ stream: stream(), consumers, firstInWindow: undefined })).toBe(81);
  });

  test("beyond half of the bytes the window yields, to the oldest first", () => {
    const full = stream({ bytes: 800 });
    expect(purgeLimit({ stream: full, consumers: [consumer()], firstInWindow: 1 })).toBe(51);
  });

  test("never reaches a message that a durable has not finished", () => {
    const count = fc.nat(1_000);
    fc.assert(
      fc.property(
        fc.record({ bytes: count, maxBytes: count, firstSeq: fc.integer({ min: 1, max: 50 }), messages: count }),
        fc.array(fc.record({ pending: count, ackPending: count, ackFloor: count }), { minLength: 1 }),
        fc.option(count, { nil: undefined }),
        (shape, consumers, firstInWindow) => {
          const state = { ...shape, lastSeq: 1_050 };
          const limit = purgeLimit({ stream: state, consumers, firstInWindow });
          for (const { ackFloor } of consumers) expect(limit).toBeLessThanOrEqual(ackFloor + 1);
          expect(limit).toBeLessThanOrEqual(1_051);
        },
      ),
    );
  });
});
