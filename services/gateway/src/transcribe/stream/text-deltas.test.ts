import { joinTexts } from "@parlance/contracts";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTextDeltas, type TextDeltas, type ToldSegment } from "./text-deltas.ts";

const plain = { language: "", logprobs: false };
const said = (text: string, language = "English"): ToldSegment => ({ text, language });

type Step = { part: string; n: number } | { result: ToldSegment; n: number } | "take";

function tell(deltas: TextDeltas, steps: readonly Step[]): string {
  let told = "";
  for (const step of steps) {
    if (step === "take") told += deltas.take()?.text ?? "";
    else if ("part" in step) deltas.part(step.n, step.part);
    else deltas.result(step.n, step.result);
  }
  return told + (deltas.take()?.text ?? "");
}

describe("what is told", () => {
  test("is the head's parts as they grow, then what its result adds", () => {
    const deltas = createTextDeltas(plain);
    const next = (): string | undefined => deltas.take()?.text;
    deltas.part(0, "turn");
    expect(next()).toBe("turn");
    deltas.part(0, "turn on the ");
    expect(next()).toBe(" on the");
    expect(next()).toBeUndefined();
    deltas.result(0, said("turn on the lights"));
    expect(next()).toBe(" lights");
    deltas.part(1, "in the");
    expect(next()).toBe(" in the");
    deltas.result(1, said("in the kitchen"));
    expect(next()).toBe(" kitchen");
  });

  test("waits for the head: parts and results of later segments are told when they are it", () => {
    const deltas = createTextDeltas(plain);
    deltas.part(1, "in the");
    deltas.result(2, said("please"));
    expect(deltas.take()).toBeUndefined();
    deltas.result(0, said("the lights"));
    expect(deltas.take()).toEqual({ text: "the lights in the" });
    deltas.result(1, said("in the kitchen"));
    expect(deltas.take()).toEqual({ text: " kitchen please" });
    expect(deltas.head).toBe(3);
  });

  test("a part that comes after its segment's result changes nothing, nor does a second result", () => {
    const deltas = createTextDeltas(plain);
    expect(deltas.result(0, said("hello"))).toBe(true);
    deltas.part(0, "hello there");
    expect(deltas.result(0, said("something else"))).toBe(false);
    expect(deltas.result(2, said("later"))).toBe(true);
    expect(deltas.result(2, said("otherwise"))).toBe(false);
    expect(tell(deltas, [{ n: 1, result: said("you") }])).toBe("hello you later");
  });

  test("behind a language without spaces a part waits for its language, unless one was asked for", () => {
    const steps: Step[] = [
      { n: 0, result: said("你好", "Chinese") },
      { n: 1, part: "世" },
    ];
    expect(tell(createTextDeltas(plain), steps)).toBe("你好");
    expect(tell(createTextDeltas({ ...plain, language: "Chinese" }), steps)).toBe("你好世");
    const knowing = createTextDeltas(plain);
    knowing.result(0, said("你好", "Chinese"));
    knowing.part(1, "世", "Chinese");
    expect(knowing.take()).toEqual({ text: "你好世" });
    knowing.result(1, said("世界", "Chinese"));
    knowing.part(2, "good", "English");
    expect(knowing.take()).toEqual({ text: "界 good" });
  });

  test("with log-probabilities a segment is told whole, with those of its tokens", () => {
    const deltas = createTextDeltas({ ...plain, logprobs: true });
    const token = (text: string) => ({ token: text, logprob: -0.1, bytes: [...Buffer.from(text)] });
    deltas.part(0, "hel");
    expect(deltas.take()).toBeUndefined();
    deltas.result(0, { ...said("hello"), tokens: [token("hel"), token("lo")] });
    expect(deltas.take()).toEqual({ text: "hello", logprobs: [token("hel"), token("lo")] });
    deltas.result(1, said("you"));
    expect(deltas.take()).toEqual({ text: " you" });
  });

  test("the transcript completes it where results were missed", () => {
    const deltas = createTextDeltas(plain);
    expect(
      tell(deltas, [
        { n: 0, result: said("one") },
        { n: 1, part: "two" },
      ]),
    ).toBe("one two");
    expect(deltas.rest("one two three four")).toEqual({ text: " three four" });
  });
});

describe("another run of a job that says otherwise", () => {
  test("its parts are left to the result, which goes on where both texts part", () => {
    const deltas = createTextDeltas(plain);
    const steps: Step[] = [
      { n: 0, part: "the cat sad" },
      "take",
      { n: 0, part: "the cat sat on" },
      { n: 0, part: "the" },
      { n: 0, result: said("the cat sat on the mat") },
      { n: 1, part: "and" },
      { n: 1, result: said("and slept") },
    ];
    expect(tell(deltas, steps)).toBe("the cat sad sat on the mat and slept");
    expect(deltas.rest("the cat sat on the mat and slept")).toBeUndefined();
  });

  test("one that says less, or nothing, leaves what was sent", () => {
    const less = createTextDeltas(plain);
    expect(
      tell(less, [
        { n: 0, part: "the cat sat" },
        { n: 0, result: said("the cat") },
        { n: 1, result: said("slept") },
      ]),
    ).toBe("the cat sat slept");
    expect(less.rest("the cat slept")).toBeUndefined();
    const nothing = createTextDeltas(plain);
    expect(
      tell(nothing, [
        { n: 0, part: "hm" },
        { n: 0, result: said("") },
        { n: 1, part: "the" },
        { n: 1, result: said("the cat") },
      ]),
    ).toBe("hm the cat");
  });

  test("a transcript of other results than were heard goes on where it parts from what was sent", () => {
    const deltas = createTextDeltas(plain);
    expect(tell(deltas, [{ n: 0, result: said("the cat sad") }])).toBe("the cat sad");
    expect(deltas.rest("the cat sat on the mat")).toEqual({ text: " sat on the mat" });
  });
});

const words = fc.array(fc.constantFrom("hello", "wor", "ld", "你好", "。", "don't", " ", "\n"), { maxLength: 6 });
const segment = fc.record({
  text: words.map((some) => some.join("")),
  language: fc.constantFrom("", "English", "Chinese", "Thai"),
});
/** Segments in some order, some of them twice, and between them parts: of any segment, early and late, shorter and longer. */
const interleaved = fc.array(segment, { minLength: 1, maxLength: 6 }).chain((segments) => {
  const n = fc.nat(segments.length - 1);
  const part = fc.record({ n, length: fc.nat(30), known: fc.boolean() });
  const steps = fc.array(fc.oneof(part, fc.record({ n }), fc.constant("take" as const)), { maxLength: 40 });
  return fc.record({ segments: fc.constant(segments), steps, last: fc.shuffledSubarray([...segments.keys()]) });
});

test("in any order, repeated, late or missed: the deltas are exactly the transcript, and none of them is empty", () => {
  fc.assert(
    fc.property(interleaved, ({ segments, steps, last }) => {
      const transcript = joinTexts(segments);
      const deltas = createTextDeltas(plain);
      let told = "";
      const take = (delta = deltas.take()) => {
        if (delta === undefined) return;
        expect(delta.text).not.toBe("");
        told += delta.text;
        expect(transcript.startsWith(told)).toBe(true);
      };
      for (const step of steps) {
        if (step === "take") take();
        else if ("length" in step) {
          const { text, language } = segments[step.n] ?? said("");
          deltas.part(step.n, text.slice(0, step.length), step.known ? language : undefined);
        } else deltas.result(step.n, segments[step.n] ?? said(""));
      }
      for (const n of last) deltas.result(n, segments[n] ?? said(""));
      take(deltas.rest(transcript));
      expect(told).toBe(transcript);
    }),
    { numRuns: 500 },
  );
});

test("where parts contradict, what was sent stands and every word of the transcript is told", () => {
  const other = fc
    .array(fc.constantFrom("hello", "held", "world", "you"), { maxLength: 5 })
    .map((some) => some.join(" "));
  const contradicted = fc.array(fc.record({ text: other, parts: fc.array(other, { maxLength: 3 }) }), { maxLength: 5 });
  fc.assert(
    fc.property(contradicted, (segments) => {
      const deltas = createTextDeltas(plain);
      let told = "";
      for (const [n, { text, parts }] of segments.entries()) {
        for (const part of parts) {
          deltas.part(n, part);
          told += deltas.take()?.text ?? "";
        }
        deltas.result(n, said(text));
        told += deltas.take()?.text ?? "";
      }
      const transcript = joinTexts(segments.map(({ text }) => said(text)));
      told += deltas.rest(transcript)?.text ?? "";
      expect(isSubsequence(transcript.split(" "), told.split(" "))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

function isSubsequence(few: readonly string[], many: readonly string[]): boolean {
  let at = 0;
  for (const one of many) if (one === few[at]) at += 1;
  return at === few.length || (few.length === 1 && few[0] === "");
}
