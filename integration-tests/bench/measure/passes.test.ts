import { expect, it } from "vitest";
import { longestGap, type PassRow, passesOf, swapsOf } from "./passes.ts";

const row = (family: PassRow["family"], batchId: string, startedAt: number, finishedAt: number): PassRow => ({
  batchId,
  family,
  submittedAt: 0,
  startedAt,
  finishedAt,
});

const rows = [
  row("tts", "t", 250, 300),
  row("asr", "a", 0, 90),
  row("asr", "b", 0, 90),
  row("asr", "a", 100, 150),
  row("asr", "b", 380, 400),
];

it("rows that began together are one pass", () => {
  expect(passesOf(rows).map(({ family, rows: each }) => [family, each.length])).toEqual([
    ["asr", 2],
    ["asr", 1],
    ["tts", 1],
    ["asr", 1],
  ]);
});

it("a swap is the time between the passes of two families", () => {
  expect(swapsOf(passesOf(rows))).toEqual([100, 80]);
});

it("a backlog's gap reaches from one of its passes to the next, or to either end", () => {
  expect(longestGap(passesOf(rows), new Set(["a"]), 0, 500)).toBe(400);
  expect(longestGap(passesOf(rows), new Set(["b"]), 0, 500)).toBe(380);
  expect(longestGap(passesOf(rows), new Set(["none"]), 0, 500)).toBe(500);
});
