import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SegmentResult, TokenScore } from "../messages/payloads.ts";
import { foldItem } from "./fold-item.ts";

const address = { batchId: "b", itemId: "i" };

function ok(overrides: Partial<Extract<SegmentResult, { outcome: "ok" }>> = {}): SegmentResult {
  return {
    operation: "transcribe",
    outcome: "ok",
    last: false,
    submittedAt: 1_000,
    startedAt: 3_000,
    finishedAt: 3_500,
    timestamps: false,
    text: "hello",
    language: "English",
    words: [],
    stretches: [],
    start: 0,
    duration: 2,
    score: -0.1,
    truncated: false,
    model: "parlance-en",
    passSize: 1,
    ...overrides,
  };
}

function failed(overrides: Partial<Extract<SegmentResult, { outcome: "failed" }>> = {}): SegmentResult {
  return {
    operation: "transcribe",
    outcome: "failed",
    last: true,
    submittedAt: 1_000,
    finishedAt: 2_000,
    timestamps: false,
    error: { code: "audio_corrupt", message: "bad header" },
    ...overrides,
  };
}

function spoken(overrides: Partial<Extract<SegmentResult, { outcome: "spoken" }>> = {}): SegmentResult {
  return {
    operation: "custom_voice",
    outcome: "spoken",
    last: false,
    submittedAt: 1_000,
    startedAt: 3_000,
    finishedAt: 3_500,
    timestamps: false,
    audio: "segment_b.i.0",
    sampleRate: 16_000,
    samples: 100,
    pauseMs: 0,
    format: "wav",
    truncated: false,
    model: "parlance-voice",
    passSize: 1,
    ...overrides,
  };
}

const fold = (...results: SegmentResult[]) => foldItem(address, new Map(results.entries()));

describe("foldItem", () => {
  test("an item whose segments were read by more than one model says so", () => {
    const [first, second] = [ok({ model: "a" }), ok({ start: 2, model: "b", last: true })];
    expect(fold(first, second)).toMatchObject({ model: "a, b" });
    expect(fold(first, ok({ start: 2, model: "a", last: true }))).toMatchObject({ model: "a" });
  });

  test("one segment is the item", () => {
    expect(fold(ok({ last: true, customId: "mine" }))).toEqual({
      batchId: "b",
      itemId: "i",
      customId: "mine",
      operation: "transcribe",
      status: "done",
      transcript: {
        text: "hello",
        language: "English",
        segments: [expect.objectContaining({ id: 0, seek: 0, start: 0, end: 2, text: "hello" })],
      },
      audioSeconds: 2,
      queueSeconds: 2,
      runSeconds: 0.5,
      model: "parlance-en",
      segments: 1,
      finishedAt: 3_500,
    });
  });

  test("waits while the last segment is unknown or one before it is missing", () => {
    expect(fold(ok(), ok())).toBeUndefined();
    expect(foldItem(address, new Map([[1, ok({ last: true })]]))).toBeUndefined();
    expect(foldItem(address, new Map())).toBeUndefined();
  });

  test("shifts word times by their segment's start and rounds them to milliseconds", () => {
    const first = ok({ timestamps: true, words: [{ start: 0.1, end: 0.2, text: "a" }], duration: 25.1004 });
    const second = ok({ timestamps: true, start: 25.1004, words: [{ start: 0.2, end: 0.3, text: "b" }], last: true });
    expect(fold(first, second)?.transcript?.timestamps).toEqual([
      { start: 0.1, end: 0.2, text: "a" },
      { start: 25.3, end: 25.4, text: "b" },
    ]);
  });

  test("timestamps are absent unless asked for, and an empty list when nothing was said", () => {
    expect(fold(ok({ last: true, words: [{ start: 0, end: 1, text: "a" }] }))?.transcript).not.toHaveProperty(
      "timestamps",
    );
    expect(fold(ok({ last: true, text: "", timestamps: true }))?.transcript?.timestamps).toEqual([]);
  });

  test("silence is an honest empty transcript", () => {
    expect(fold(ok({ last: true, text: "", language: "", score: null }))).toMatchObject({
      status: "done",
      transcript: { text: "", language: "" },
    });
  });

  test("a failed segment concludes its item at once, even when others are missing", () => {
    expect(foldItem(address, new Map([[3, failed({ last: false })]]))).toMatchObject({
      status: "error",
      error: { code: "audio_corrupt", message: "bad header" },
    });
  });

  test("tells that a text is not whole", () => {
    expect(fold(ok(), ok({ truncated: true, last: true }))?.truncated).toBe(true);
  });

  test("queue time ends with the first pass and run time with the last", () => {
    const item = fold(
      ok({ startedAt: 9_000, finishedAt: 9_700 }),
      ok({ startedAt: 4_000, finishedAt: 4_100, last: true }),
    );
    expect(item).toMatchObject({ queueSeconds: 3, runSeconds: 5.7 });
  });

  test("tells who ended its last segment, and how often the one was tried that needed most", () => {
    const [first, second] = [
      ok({ worker: "a", attempt: 3, finishedAt: 4_000 }),
      ok({ worker: "b", attempt: 1, finishedAt: 5_000, last: true }),
    ];
    expect(fold(first, second)).toMatchObject({ worker: "b", attempts: 3 });
    expect(fold(failed({ worker: "a", attempt: 5 }))).toMatchObject({ worker: "a", attempts: 5 });
  });

  test("an item that no pass ran has no times", () => {
    const item = fold(failed());
    expect(item).not.toHaveProperty("queueSeconds");
    expect(item).not.toHaveProperty("runSeconds");
  });

  test("of spoken segments has no transcript and keeps its operation", () => {
    const item = fold(spoken(), spoken({ last: true, truncated: true }));
    expect(item).toMatchObject({ operation: "custom_voice", status: "done", segments: 2, truncated: true });
    expect(item).not.toHaveProperty("transcript");
    expect(fold(failed({ operation: "voice_clone" }))?.operation).toBe("voice_clone");
  });

  test("any order and any duplication of the same results give the same item", () => {
    const segment = fc.record({
      text: fc.string(),
      language: fc.constantFrom("", "English", "Chinese", "French"),
      start: fc.double({ min: 0, max: 1e4, noNaN: true }),
      startedAt: fc.nat(1e6),
      finishedAt: fc.nat(1e6),
      duration: fc.double({ min: 0, max: 30, noNaN: true }),
      timestamps: fc.constant(true),
      words: fc.array(fc.record({ start: fc.nat(30), end: fc.nat(30), text: fc.string() }), { maxLength: 3 }),
      tokens: fc.option(fc.constant<TokenScore[]>([{ token: "t", logprob: -1, bytes: [116] }]), { nil: undefined }),
      fails: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
    });
    fc.assert(
      fc.property(
        fc.array(segment, { minLength: 1, maxLength: 12 }).chain((segments) => {
          const entries = segments.map(({ fails, ...rest }, n): [number, SegmentResult] => {
            const last = n === segments.length - 1;
            return [n, fails ? failed({ last, finishedAt: rest.finishedAt }) : ok({ ...rest, last })];
          });
          const shuffled = fc.shuffledSubarray(entries, { minLength: entries.length });
          return fc.tuple(fc.constant(entries), shuffled, fc.array(fc.constantFrom(...entries)));
        }),
        ([entries, shuffled, again]) => {
          const reordered = new Map<number, SegmentResult>();
          for (const [n, result] of [...shuffled, ...again, ...shuffled])
            if (!reordered.has(n)) reordered.set(n, result);
          expect(foldItem(address, reordered)).toEqual(foldItem(address, new Map(entries)));
          expect(foldItem(address, reordered)).toBeDefined();
        },
      ),
      { numRuns: 300 },
    );
  });
});
