import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TextStretch, Word } from "../messages/payloads.ts";
import { SAMPLE_RATE } from "../words/words.ts";
import { audioSecondsOf, foldTranscript, type OkResult } from "./fold-transcript.ts";

function ok(overrides: Partial<OkResult> = {}): OkResult {
  return {
    operation: "transcribe",
    outcome: "ok",
    last: false,
    submittedAt: 1_000,
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

function stretch(start: number, end: number, text = "hello"): TextStretch {
  const scores = { temperature: 0.2, avg_logprob: -0.3, compression_ratio: 1.1, no_speech_prob: 0.01 };
  return { start, end, text, tokens: [1, 2], ...scores };
}

describe("a transcript's segments", () => {
  test("are the stretches of all segments, numbered over the item and shifted to its time", () => {
    const { segments } = foldTranscript([
      ok({ duration: 25.5, stretches: [stretch(0, 10.0004, "one"), stretch(10.0004, 25, "two")] }),
      ok({ start: 25.5, duration: 4, stretches: [stretch(0.5, 3, "three")] }),
    ]);
    expect(segments).toEqual([
      { id: 0, seek: 0, ...stretch(0, 10, "one") },
      { id: 1, seek: 0, ...stretch(10, 25, "two") },
      { id: 2, seek: 2_550, ...stretch(26, 28.5, "three") },
    ]);
  });

  test("are written in the order of OpenAI's own", () => {
    const { segments } = foldTranscript([ok({ stretches: [stretch(0, 1)] })]);
    expect(Object.keys(segments?.[0] ?? {})).toEqual(
      "id seek start end text tokens temperature avg_logprob compression_ratio no_speech_prob".split(" "),
    );
  });

  test("are one for each segment that an older worker heard something in", () => {
    const { segments } = foldTranscript([
      ok({ text: "no no no no no no no no no", score: -0.5 }),
      ok({ start: 2, text: "", language: "", score: null }),
      ok({ start: 4, duration: 1, score: null }),
    ]);
    const common = { tokens: [], temperature: 0, no_speech_prob: 0, compression_ratio: expect.any(Number) };
    expect(segments).toEqual([
      { id: 0, seek: 0, start: 0, end: 2, text: "no no no no no no no no no", avg_logprob: -0.5, ...common },
      { id: 1, seek: 400, start: 4, end: 5, text: "hello", avg_logprob: 0, ...common },
    ]);
    expect(segments?.[0]?.compression_ratio).toBeGreaterThan(1.5);
  });

  test("are an empty list when nothing was said", () => {
    expect(foldTranscript([ok({ text: "", language: "" })])).toEqual({ text: "", language: "", segments: [] });
  });
});

describe("log-probabilities", () => {
  const tokens = (token: string) => [{ token, logprob: -0.1, bytes: [...Buffer.from(token)] }];

  test("are those of all segments, one behind the other", () => {
    const { logprobs } = foldTranscript([
      ok({ tokens: tokens("a") }),
      ok({ text: "", tokens: [] }),
      ok({ text: "" }),
      ok({ tokens: tokens("b") }),
    ]);
    expect(logprobs).toEqual([...tokens("a"), ...tokens("b")]);
  });

  test("are absent where a part of the text has none", () => {
    expect(foldTranscript([ok({ tokens: tokens("a") }), ok()])).not.toHaveProperty("logprobs");
    expect(foldTranscript([ok({ text: "" })])).not.toHaveProperty("logprobs");
  });
});

test("words keep their confidence", () => {
  const words: Word[] = [{ start: 0.1, end: 0.5, text: "a", confidence: 0.7 }];
  expect(foldTranscript([ok({ timestamps: true, start: 1, words })]).timestamps).toEqual([
    { start: 1.1, end: 1.5, text: "a", confidence: 0.7 },
  ]);
});

test.each([
  ["none was timed", [ok({ timestamps: true })], true],
  [
    "not all was timed",
    [ok({ timestamps: true, words: [{ start: 0, end: 1, text: "a" }] }), ok({ timestamps: true })],
    true,
  ],
  ["there is nothing to time", [ok({ timestamps: true, text: "" }), ok({ timestamps: true, text: " … " })], false],
  ["nobody asked", [ok({})], false],
])(
  "a text whose words have no times, though they were asked for, is told with a warning: %s",
  (_, segments, warned) => {
    expect(foldTranscript(segments).warnings).toEqual(
      warned ? ["timestamps: the model tells no times of words, or not for all that was said"] : undefined,
    );
  },
);

test("a word that is heard into the zeros behind its segment ends with it", () => {
  const words: Word[] = [{ start: 0.2, end: 0.5, text: "a" }];
  const { timestamps, segments } = foldTranscript([
    ok({ duration: 25 }),
    ok({ timestamps: true, start: 25, duration: 0.3, words, stretches: [stretch(0.2, 0.5)] }),
  ]);
  expect(timestamps).toEqual([{ start: 25.2, end: 25.3, text: "a" }]);
  expect(segments?.[1]).toMatchObject({ start: 25.2, end: 25.3 });
});

/** Segments as ingest cuts them, and times as models tell them: in order, with some noise, some beyond the audio. */
const times = fc.array(
  fc.tuple(fc.double({ min: 0, max: 31, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true })),
  {
    maxLength: 12,
  },
);
const item = fc.array(fc.record({ samples: fc.integer({ min: 1, max: 30 * SAMPLE_RATE }), times }), {
  minLength: 1,
  maxLength: 8,
});

test("times never go back, stay in the segment that they were heard in, and are the same for words and stretches", () => {
  fc.assert(
    fc.property(item, (parts) => {
      let begin = 0;
      const borders: number[] = [];
      const results = parts.map(({ samples, times: heard }) => {
        const spans = heard.toSorted(([a], [b]) => a - b).map(([start, length]) => ({ start, end: start + length }));
        const words = spans.map((span) => ({ ...span, text: "w" }));
        const stretches = spans.map(({ start, end }) => stretch(start, end));
        const [start, duration] = [begin / SAMPLE_RATE, samples / SAMPLE_RATE];
        begin += samples;
        borders.push(Math.round(begin / 16) / 1_000);
        return ok({ timestamps: true, text: spans.length === 0 ? "" : "w", words, stretches, start, duration });
      });
      const { timestamps = [], segments = [] } = foldTranscript(results);
      expect(segments.map(({ start, end }) => ({ start, end }))).toEqual(
        timestamps.map(({ start, end }) => ({ start, end })),
      );
      expect(borders.at(-1)).toBe(audioSecondsOf(results));
      let before = 0;
      for (const [n, result] of results.entries()) {
        const own = timestamps.splice(0, result.words.length);
        for (const { start, end } of own) {
          expect(start).toBeGreaterThanOrEqual(before);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(borders[n] ?? 0);
          expect([Math.round(start * 1_000) / 1_000, Math.round(end * 1_000) / 1_000]).toEqual([start, end]);
          before = start;
        }
        before = borders[n] ?? 0;
      }
    }),
  );
});
