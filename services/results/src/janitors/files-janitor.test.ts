import type { FileInfo } from "@parlance/bus";
import { describe, expect, test } from "vitest";
import { expiredFiles } from "./files-janitor.ts";

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
