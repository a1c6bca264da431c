import { languageNames, type Transcript } from "@parlance/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { transcriptionJsonSchema, verboseJsonSchema } from "./answer-schemas.ts";
import { transcriptionJson, translationJson, usageOf, verboseJson } from "./openai-answers.ts";
import { granularities } from "./openai-forms.ts";

const seconds = fc.double({ min: 0, max: 100_000, noNaN: true });
/** JSON has no -0. */
const logprob = fc.integer({ min: -2_000, max: -1 }).map((hundredths) => hundredths / 100);
const times = { start: seconds, end: seconds, text: fc.string() };
const word = fc.record(
  { ...times, confidence: fc.double({ min: 0, max: 1, noNaN: true }) },
  { requiredKeys: ["start", "end", "text"] },
);
const segment = fc.record({
  ...times,
  id: fc.nat(),
  seek: fc.nat(),
  tokens: fc.array(fc.nat()),
  temperature: fc.double({ min: 0, max: 1, noNaN: true }),
  avg_logprob: logprob,
  compression_ratio: fc.double({ min: 0, max: 20, noNaN: true }),
  no_speech_prob: fc.double({ min: 0, max: 1, noNaN: true }),
});
const transcript: fc.Arbitrary<Transcript> = fc.record(
  {
    text: fc.string(),
    language: fc.constantFrom("", "English,German", ...languageNames),
    timestamps: fc.array(word),
    segments: fc.array(segment),
    logprobs: fc.array(
      fc.record({
        token: fc.string(),
        logprob,
        bytes: fc.array(fc.nat(255)),
      }),
    ),
  },
  { requiredKeys: ["text", "language"] },
);
const heard = fc.record({ transcript, seconds });

/** Nothing of it is lost, changed or null on the wire. */
function expectWhole(answer: object): void {
  expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
  expect(JSON.stringify(answer)).not.toMatch(/:null[,}]/);
}

describe("verbose_json", () => {
  test("has what its granularities say, all ten keys of a segment, and no nulls", () => {
    fc.assert(
      fc.property(
        heard,
        fc.constantFrom("transcribe", "translate"),
        fc.subarray([...granularities]),
        (of, task, asked) => {
          const answer = verboseJson(of, { task, granularities: new Set(asked) });
          expectWhole(answer);
          expect(verboseJsonSchema.strict().parse(answer)).toEqual(answer);
          expect(typeof answer.duration).toBe("number");
          expect("segments" in answer).toBe(asked.includes("segment"));
          expect("words" in answer).toBe(asked.includes("word"));
          expect(Object.keys(answer).slice(0, 4)).toEqual(["task", "language", "duration", "text"]);
          for (const each of answer.segments ?? []) expect(Object.keys(each)).toHaveLength(10);
          for (const { word } of answer.words ?? []) expect(word).toBe(word.trim());
        },
      ),
    );
  });

  test.each([
    ["Haitian Creole", "transcribe", "haitian creole"],
    ["German", "translate", "english"],
  ] as const)("%s, to %s, is %s", (language, task, expected) => {
    const of = { transcript: { text: "x", language }, seconds: 1 };
    expect(verboseJson(of, { task, granularities: new Set() }).language).toBe(expected);
  });
});

describe("json", () => {
  test("has ISO codes, and no key that was not asked for", () => {
    fc.assert(
      fc.property(heard, fc.boolean(), (of, timestamps) => {
        const answer = transcriptionJson(of, { timestamps });
        expectWhole(answer);
        expect(transcriptionJsonSchema.strict().parse(answer)).toEqual(answer);
        expect("timestamps" in answer).toBe(timestamps);
        expect("logprobs" in answer).toBe(of.transcript.logprobs !== undefined);
        expect(answer.language).toMatch(/^([a-z]{2,3}(,[a-z]{2,3})*)?$/);
        expect(translationJson(of)).toEqual({ text: of.transcript.text });
      }),
    );
  });

  test.each([
    [8.47, 9],
    [9, 9],
    [0.001, 1],
    [0, 0],
  ])("%f seconds of audio are billed as %i", (heardSeconds, billed) => {
    expect(usageOf(heardSeconds)).toEqual({ type: "duration", seconds: billed });
  });
});
