import type { SegmentResult } from "@parlance/contracts";
import { expect, test } from "vitest";
import { foldSound } from "./fold-sound.ts";

function spoken(n: number, overrides: Partial<Extract<SegmentResult, { outcome: "spoken" }>> = {}): SegmentResult {
  return {
    operation: "custom_voice",
    outcome: "spoken",
    last: false,
    submittedAt: 1,
    finishedAt: 2,
    timestamps: false,
    audio: `segment_b.i.${n}`,
    sampleRate: 16_000,
    samples: 100,
    pauseMs: 350,
    format: "opus",
    truncated: false,
    model: "m",
    passSize: 1,
    ...overrides,
  };
}

test("the parts come in order with the silence between them, none after the last", () => {
  const results = new Map([
    [2, spoken(2, { last: true })],
    [0, spoken(0)],
    [1, spoken(1, { pauseMs: 120, sampleRate: 24_000 })],
  ]);
  expect(foldSound(results)).toEqual({
    operation: "custom_voice",
    format: "opus",
    sampleRate: 16_000,
    parts: [
      { file: "segment_b.i.0", sampleRate: 16_000, pause: 5_600 },
      { file: "segment_b.i.1", sampleRate: 24_000, pause: 1_920 },
      { file: "segment_b.i.2", sampleRate: 16_000, pause: 0 },
    ],
  });
});

test("there is none while a segment is missing, nor of an item that is not speech", () => {
  expect(foldSound(new Map([[0, spoken(0)]]))).toBeUndefined();
  expect(foldSound(new Map([[1, spoken(1, { last: true })]]))).toBeUndefined();
  expect(foldSound(new Map())).toBeUndefined();
});
