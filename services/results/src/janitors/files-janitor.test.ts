import type { FileInfo } from "@parlance/bus";
import { describe, expect, test } from "vitest";
import { isExpired } from "./files-janitor.ts";

const minute = 60_000;
const upload = (createdAt: number): FileInfo => ({
  id: `u${createdAt}`,
  bytes: 1,
  contentType: "",
  filename: "",
  createdAt,
});
const output = (createdAt: number): FileInfo => ({ ...upload(createdAt), id: "queue_transcribe_b.0.json" });

describe("isExpired", () => {
  const clock = { now: 100 * minute, oldestUnfinished: 100 * minute, ttlMs: 30 * minute };

  test("an upload expires after its time and a grace", () => {
    expect([68, 69.5].map((at) => isExpired(upload(at * minute), clock))).toEqual([true, false]);
  });

  test("an upload that unfinished work may name outlives its time", () => {
    const waiting = { ...clock, oldestUnfinished: 80 * minute };
    expect([60, 40].map((at) => isExpired(upload(at * minute), waiting))).toEqual([false, true]);
  });

  test("an output does not wait for the queue", () => {
    const waiting = { ...clock, oldestUnfinished: 0 };
    expect([69.5, 68].map((at) => isExpired(output(at * minute), waiting))).toEqual([false, true]);
  });
});

describe("the sound of a segment", () => {
  test("has its own clock, whatever waits at the door: whether its item is done is asked when its time is over", () => {
    const clock = { now: 100 * minute, oldestUnfinished: 0, ttlMs: 30 * minute };
    const segment = (createdAt: number): FileInfo => ({ ...upload(createdAt), id: "segment_b.0.3" });
    expect([69.5, 68].map((at) => isExpired(segment(at * minute), clock))).toEqual([false, true]);
  });
});
