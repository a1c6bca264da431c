/** What holds for every transcript, whatever its words, texts and times. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toSrt, toVtt } from "./subtitles.ts";
import { readSrt, readVtt, said, segment } from "./testing/read-subtitles.ts";

/** Share of a line, for the letters that these tests use. */
function width(line: string): number {
  return Array.from(line).reduce((sum, letter) => sum + (letter > "\u2e80" ? 1 / 16 : 1 / 42), 0);
}

const fits = (line: string) => width(line) <= 1 + 1e-9;

/** Whether words fit on two lines at all. */
function fitTwoLines(words: readonly string[]): boolean {
  const lines = [""];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.length <= 2;
}

const withoutSpaces = (text: string) => text.replaceAll(/\s/g, "");
const spaced = (text: string) => text.split(/\s+/).filter((word) => word !== "");

describe("every transcript", () => {
  const mark = fc.constantFrom("", "", "", "", ",", ".", "?", "!", "…", ")", ":");
  const word = fc
    .tuple(fc.stringMatching(/^[a-z]{1,12}$/), mark)
    .map(([letters, punctuation]) => `${letters}${punctuation}`);
  const silence = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 200 }) },
    { weight: 2, arbitrary: fc.integer({ min: 200, max: 5_000 }) },
  );
  const timed = (text: fc.Arbitrary<string>) =>
    fc.array(
      fc.tuple(
        text,
        silence.map((ms) => ms / 1_000),
        fc.integer({ min: 10, max: 900 }).map((ms) => ms / 1_000),
      ),
      { maxLength: 60 },
    );
  const spoken = timed(word).map((words) => said(words));
  const chinese = timed(fc.stringMatching(/^[\u4e00-\u4e7f]{1,6}[，。]?$/)).map((words) => said(words, "Chinese", ""));
  const anyTime = fc.double({ min: -5, max: 80, noNaN: true });
  const anyText = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc
      .array(fc.oneof(word, fc.stringMatching(/^[\u4e00-\u4e7f\u3041-\u3060x ]{1,50}$/)), { maxLength: 60 })
      .map((all) => all.join(" ")),
  );
  /** Words and segments of their own mind. */
  const strange = fc.record({
    text: anyText,
    language: fc.constantFrom("English", "Chinese", "", "German,French"),
    timestamps: fc.array(fc.record({ text: fc.oneof(word, fc.string()), start: anyTime, end: anyTime }), {
      maxLength: 40,
    }),
    segments: fc.array(
      fc.tuple(anyTime, anyTime, fc.string()).map(([start, end, text]) => segment(0, start, end, text)),
      { maxLength: 5 },
    ),
  });
  /** Long words, faster than anybody reads, some of which begin before the one in front of them ends. */
  const hurried = fc
    .array(
      fc.tuple(
        fc.integer({ min: 6, max: 100 }).map((length) => "a".repeat(length)),
        fc.integer({ min: 10, max: 60 }),
        fc.nat(200),
      ),
      {
        maxLength: 60,
      },
    )
    .map((words) => {
      const pace = said(words.map(([text, ms]) => [text, 0, ms / 1_000] as const));
      const timestamps = pace.timestamps?.map((spoken, index) => ({
        ...spoken,
        end: spoken.end + (words[index]?.[2] ?? 0) / 1_000,
      }));
      return { ...pace, timestamps: timestamps ?? [] };
    });
  const any = fc.oneof(spoken, chinese, strange, hurried);
  const cues = fc.constantFrom("phrases" as const, "segments" as const);

  it("keeps its text, in cues that ascend within the audio and never meet", () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 100 }), cues, (transcript, seconds, kind) => {
        for (const read of [
          readSrt(toSrt(transcript, { seconds, cues: kind })),
          readVtt(toVtt(transcript, { seconds, cues: kind })),
        ]) {
          expect(withoutSpaces(read.flatMap(({ lines }) => lines).join(""))).toBe(withoutSpaces(transcript.text));
          for (const [index, { start, end, lines }] of read.entries()) {
            expect(start).toBeGreaterThanOrEqual(read[index - 1]?.end ?? 0);
            expect(end).toBeGreaterThan(start);
            expect(end).toBeLessThanOrEqual(seconds * 1_000);
            expect(lines.length).toBeGreaterThan(0);
            for (const line of lines) expect(line).toBe(line.trim());
          }
        }
      }),
    );
  });

  it("has at most two lines, each as wide as a line, and at most seven seconds to a cue", () => {
    fc.assert(
      fc.property(any, (transcript) => {
        for (const { start, end, lines } of readSrt(toSrt(transcript, { seconds: 100 }))) {
          expect(lines.length).toBeLessThanOrEqual(2);
          if (/^[ -~\u3041-\u9fff，。…]*$/.test(transcript.text)) {
            for (const line of lines) expect(fits(line), line).toBe(true);
          }
          expect(end - start).toBeLessThanOrEqual(7_000);
        }
      }),
    );
  });

  it("keeps its words, and shows each while it is said", () => {
    fc.assert(
      fc.property(spoken, (transcript) => {
        const words = transcript.timestamps ?? [];
        const read = readSrt(toSrt(transcript, { seconds: 400 }));
        expect(read.flatMap(({ lines }) => lines.flatMap(spaced))).toEqual(spaced(transcript.text));
        let at = 0;
        for (const { start, end, lines } of read) {
          const own = words.slice(at, at + spaced(lines.join(" ")).length);
          at += own.length;
          for (const [index, { start: begin }] of own.slice(1).entries()) {
            expect(begin - (own[index]?.end ?? 0)).toBeLessThan(2);
          }
          expect(start).toBe(Math.round((own[0]?.start ?? 0) * 1_000));
          expect(end).toBeGreaterThanOrEqual(Math.round((own.at(-1)?.end ?? 0) * 1_000));
        }
      }),
    );
  });

  it("shows no cue for under a second that could have been one with its neighbour", () => {
    fc.assert(
      fc.property(spoken, (transcript) => {
        const words = transcript.timestamps ?? [];
        const read = readSrt(toSrt(transcript, { seconds: 400 }));
        let at = 0;
        const placed = read.map((cue) => {
          const from = at;
          at += spaced(cue.lines.join(" ")).length;
          return { ...cue, from, to: at };
        });
        for (const [index, cue] of placed.entries()) {
          if (cue.end - cue.start >= 1_000) continue;
          // Too short only because the next one begins.
          expect(cue.end).toBe(placed[index + 1]?.start);
          for (const first of [placed[index - 1], cue]) {
            const second = first === cue ? placed[index + 1] : cue;
            if (first === undefined || second === undefined) continue;
            const all = words.slice(first.from, second.to);
            const silent = (all[first.to - first.from]?.start ?? 0) - (words[first.to - 1]?.end ?? 0);
            const lasts = (all.at(-1)?.end ?? 0) - (all[0]?.start ?? 0);
            const together = fitTwoLines(spaced(transcript.text).slice(first.from, second.to));
            expect(!together || lasts > 7 || silent >= 2).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
