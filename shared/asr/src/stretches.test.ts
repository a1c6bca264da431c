import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutStretches, wholeStretch } from "./stretches.ts";

const word = (text: string, start: number, end: number, confidence?: number) => ({
  ...{ start, end, text },
  ...(confidence === undefined ? {} : { confidence }),
});

const numbers = ({ text }: { text: string }) => Array.from(text.matchAll(/\d+/g), ([number]) => Number(number));

/** Words that follow each other, each with the pause before it, its length, and what stands behind it. A word says its number. */
const spoken = fc
  .array(
    fc.record({
      letters: fc.string({ unit: fc.constantFrom("a", "é", "好", "x'", "𠀀"), minLength: 1, maxLength: 6 }),
      pause: fc.constantFrom(0, 0, 0.1, 0.4, 0.8, 3),
      length: fc.constantFrom(0, 0.2, 0.5, 1.1, 12),
      behind: fc.constantFrom(" ", " ", " ", "", ". ", "。", '? "', " (", "– "),
      confidence: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((parts) => {
    let time = 0;
    const words = parts.map(({ letters, pause, length, confidence }, index) => {
      const start = time + pause;
      time = start + length;
      return word(`${letters}${index}`, start, time, confidence);
    });
    const text = parts.map(({ behind }, index) => `${words[index]?.text}${behind}`).join("");
    return { words, seconds: time + 1, text: text.trim(), score: -0.3 };
  });

describe("cutting a text into stretches", () => {
  it("covers the text and the words exactly, in order, whatever was said", () => {
    fc.assert(
      fc.property(spoken, (row) => {
        const { words, text } = row;
        const stretches = cutStretches(row);
        expect(stretches.map((stretch) => stretch.text).join("")).toBe(text);
        const times = stretches.flatMap(({ start, end }) => [start, end]);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(stretches.flatMap(numbers)).toEqual([...words.keys()]);
        for (const stretch of stretches) {
          expect(stretch.start).toBe(words[numbers(stretch)[0] ?? -1]?.start);
          expect(stretch.end).toBe(words[numbers(stretch).at(-1) ?? -1]?.end);
        }
      }),
    );
  });

  it("has none longer than ten seconds but of one word, and none shorter than three without a reason", () => {
    fc.assert(
      fc.property(spoken, (row) => {
        const stretches = cutStretches(row);
        for (const [index, stretch] of stretches.entries()) {
          const { start, end } = stretch;
          if (end - start > 10) expect(numbers(stretch)).toHaveLength(1);
          const next = stretches[index + 1];
          if (next === undefined || end - start >= 3) continue;
          // A long pause, or a word that would make it too long.
          const following = row.words[numbers(next)[0] ?? -1];
          expect(next.start - end >= 1.5 || (following?.end ?? 0) - start > 10).toBe(true);
        }
      }),
    );
  });

  it("ends with a sentence or a pause behind three seconds, before ten at the longest pause, and at a long pause at once", () => {
    const row = { seconds: 60, score: -1 };
    const sentence = [word("One", 0, 2), word("two", 2, 4), word("Three", 4.1, 5), word("four", 5, 9)];
    expect(cutStretches({ ...row, text: "One two. Three, four", words: sentence }).map(({ text }) => text)).toEqual([
      "One two.",
      " Three, four",
    ]);
    const pauses = Array.from({ length: 14 }, (_, n) => word(`w${n}`, n + (n > 6 ? 0.2 : 0), n + 1));
    const text = pauses.map((each) => each.text).join(" ");
    expect(cutStretches({ ...row, text, words: pauses })).toMatchObject([
      { start: 0, end: 7, text: "w0 w1 w2 w3 w4 w5 w6" },
      { start: 7.2, end: 14 },
    ]);
    const long = [word("yes", 0, 0.4), word("no", 2, 2.3)];
    expect(cutStretches({ ...row, text: "Yes no".toLowerCase(), words: long })).toMatchObject([
      { start: 0, end: 0.4, text: "yes" },
      { start: 2, end: 2.3, text: " no" },
    ]);
  });

  it("has the score of its tokens, or of its words' confidences, or the row's, and its own tokens", () => {
    const words = [word("yes", 0, 0.4, Math.exp(-1)), word("no", 3, 3.3, Math.exp(-2))];
    const row = { text: "Yes. No.", seconds: 4, score: -5 };
    const lower = words.map((each) => ({ ...each, text: `${each.text[0]?.toUpperCase()}${each.text.slice(1)}` }));
    expect(cutStretches({ ...row, words: lower })).toMatchObject([{ avg_logprob: -1 }, { avg_logprob: -2 }]);
    const tokens = [
      { token: 7, logProbability: -0.5, from: 0, to: 3 },
      { token: 8, logProbability: -1.5, from: 3, to: 4 },
      { token: 9, logProbability: -4, from: 4, to: 8 },
    ];
    expect(cutStretches({ ...row, words: lower, tokens })).toMatchObject([
      { avg_logprob: -1, tokens: [7, 8], text: "Yes." },
      { avg_logprob: -4, tokens: [9], text: " No." },
    ]);
    const bare = lower.map(({ start, end, text }) => word(text, start, end));
    expect(cutStretches({ ...row, words: bare }).map((stretch) => stretch.avg_logprob)).toEqual([-5, -5]);
  });

  it("is one where no word has a time, or a word is not the text's, and none where nothing was said", () => {
    const row = { text: "hello there", seconds: 9, score: -0.5 };
    expect(cutStretches({ ...row, words: [] })).toEqual(wholeStretch(row));
    expect(cutStretches({ ...row, words: [word("hullo", 0, 1)] })).toEqual(wholeStretch(row));
    expect(cutStretches({ ...row, text: "", words: [] })).toEqual([]);
  });
});
