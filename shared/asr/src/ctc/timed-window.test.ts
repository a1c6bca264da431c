import { MAX_MEMORY_BYTES, SAMPLE_RATE, type WindowMemory, type Word } from "@parlance/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timedWindow } from "./timed-window.ts";

const FRAME = 0.02;

function open(seconds: number, memory: WindowMemory | undefined) {
  const samples = new Int16Array(Math.round(seconds * SAMPLE_RATE));
  const window = timedWindow({ samples, window: { memory } }, FRAME);
  if (window === undefined) throw new Error("it is a window");
  return { ...window, begin: (samples.length - window.samples.length) / SAMPLE_RATE };
}

type Said = [text: string, start: number, end: number];

/** One window after the other: the seconds that each has, and the words that the model finds in the utterance. */
function hear(windows: readonly [seconds: number, said: readonly Said[]][]) {
  let memory: WindowMemory | undefined;
  return windows.map(([seconds, said]) => {
    const { hear: heard, begin } = open(seconds, memory);
    const words = said
      .filter(([, start]) => start >= begin)
      .map(([text, start, end]): Word => ({ text, start: start - begin, end: end - begin }));
    const answer = heard(words);
    memory = JSON.parse(JSON.stringify(answer.memory));
    return { ...answer, begin };
  });
}

const so: Said = ["so", 0.3, 0.6];
const it_: Said = ["it", 0.7, 0.9];
const was: Said = ["was", 1, 1.4];

describe("a word of a window", () => {
  it("is stable when it ended a while ago, where the window before had it", () => {
    const told = hear([
      [1, [so, it_]],
      [1.19, [so, it_, was]],
      [1.2, [so, it_, was]],
      [1.6, [so, it_, was]],
      [2, [so, it_, was]],
    ]);
    expect(told.map(({ stable, tail }) => [stable, tail])).toEqual([
      ["", "so it"],
      ["", "so it was"],
      ["so", " it was"],
      ["so it", " was"],
      ["so it was", ""],
    ]);
  });

  it("is not when it moved, or was another word", () => {
    const moved: Said = ["so", 0.35, 0.6];
    const nearly: Said = ["so", 0.34, 0.64];
    const stableAfter = (first: Said, then: Said) =>
      hear([
        [1.5, [first]],
        [1.8, [then]],
      ])[1]?.stable;
    expect(stableAfter(so, so)).toBe("so");
    expect(stableAfter(so, nearly)).toBe("so");
    expect(stableAfter(so, moved)).toBe("");
    expect(stableAfter(so, ["sew", 0.3, 0.6])).toBe("");
  });

  it("is a character in a script without spaces", () => {
    const said: Said[] = [
      ["你", 0.1, 0.2],
      ["好", 0.3, 0.4],
      ["ok", 0.5, 0.6],
      ["吗", 0.7, 0.8],
    ];
    expect(
      hear([
        [1.2, said],
        [1.3, said],
      ])[1],
    ).toMatchObject({ stable: "你好 ok", tail: " 吗" });
  });

  it("is never heard again in what is settled, whatever the model finds there", () => {
    const other: Said = ["sow", 0.3, 0.58];
    expect(
      hear([
        [1.5, [so]],
        [1.5, [so]],
        [1.8, [other, was]],
      ])[2],
    ).toMatchObject({ stable: "so", tail: " was" });
  });
});

describe("a window", () => {
  const words = Array.from({ length: 60 }, (_, n): Said => [`w${n}`, n * 0.4, n * 0.4 + 0.3]);
  const growing = Array.from({ length: 80 }, (_, n) => (n + 1) * 0.3);
  const sofar = (seconds: number) => words.filter(([, , end]) => end <= seconds);

  it("is heard from a second and a half before what is settled, at a step of frames: it costs the same at any length", () => {
    const told = hear(growing.map((seconds) => [seconds, sofar(seconds)]));
    expect(told.at(-1)).toMatchObject({
      stable: sofar(23.4)
        .map(([text]) => text)
        .join(" "),
    });
    for (const [index, { begin }] of told.entries()) {
      expect((growing[index] ?? 0) - begin).toBeLessThan(3.4);
      expect(Math.round(begin * SAMPLE_RATE) % (4 * FRAME * SAMPLE_RATE)).toBe(0);
    }
  });

  it("is searched from a gap between words on, about a second before what is settled", () => {
    const memory = { rule: "time 1", stable: "so", settled: 5_000, words: [["it", 5_100, 5_300]] };
    const { searched, hear: heard, begin } = open(7, memory);
    expect(begin).toBeCloseTo(3.44);
    const frames = Math.round((7 - begin) / FRAME);
    const gap = Math.round((4.1 - begin) / FRAME);
    const data = new Float32Array(2 * frames).fill(-4);
    // The likeliest gaps of all are too early and too late.
    for (const [seconds, score] of [
      [3.5, -0.1],
      [4.1, -1],
      [4.8, -0.1],
    ] as const) {
      data[2 * Math.round((seconds - begin) / FRAME) + 1] = score;
    }
    const { phones, characters } = searched({ phones: { data, offset: 0, frames, labels: 2 }, characters: undefined });
    expect(phones).toEqual({ data, offset: 2 * gap, frames: frames - gap, labels: 2 });
    expect(characters).toBeUndefined();
    const word = { text: "it", start: 5.1 - 4.1, end: 5.3 - 4.1 };
    expect(heard([{ text: "sow", start: 0.2, end: 0.8 }, word])).toMatchObject({ stable: "so it", tail: "" });
    const first = open(7, undefined);
    const all = { data, offset: 0, frames, labels: 2 };
    expect(first.searched({ phones: undefined, characters: all }).characters).toEqual(all);
  });

  it("costs no more when nobody speaks for long", () => {
    const told = hear(growing.map((seconds) => [seconds, seconds > 22 ? sofar(23).slice(-2) : []]));
    for (const [index, { begin }] of told.entries()) expect((growing[index] ?? 0) - begin).toBeLessThan(3.4);
    expect(told.at(-1)?.stable).not.toBe("");
  });

  it("whose memory is of another utterance, or anything, begins anew", () => {
    const [, { memory } = { memory: {} }] = hear([
      [9, [so]],
      [9, [so]],
    ]);
    expect(open(9, memory).begin).toBeGreaterThan(5);
    expect(open(3, memory).begin).toBe(0);
    expect(open(9, { ...memory, rule: "time 0" }).begin).toBe(0);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (anything) => {
        expect(open(9, JSON.parse(JSON.stringify(anything))).begin).toBe(0);
      }),
    );
  });

  it("only adds to what is stable, and its memory fits a header, whatever the model says", () => {
    const said = fc.tuple(
      fc.constantFrom("so", "it", "was", "𠮷".repeat(30), "x".repeat(19)),
      fc.nat(1_200),
      fc.nat(40),
    );
    const hypothesis = fc
      .array(said, { maxLength: 100 })
      .map((list) => list.map(([text, at, long]): Said => [text, at * FRAME, (at + long) * FRAME]))
      .map((list) => list.toSorted(([, a], [, b]) => a - b));
    const twice = fc.array(hypothesis, { maxLength: 4 }).map((all) => all.flatMap((each) => [each, each]));
    fc.assert(
      fc.property(twice, (hypotheses) => {
        let before = "";
        for (const { stable, tail, memory } of hear(hypotheses.map((each, at) => [20 + at, each]))) {
          expect(stable.startsWith(before)).toBe(true);
          if (stable !== "" && tail !== "") expect(tail.startsWith(" ")).toBe(true);
          expect(JSON.stringify(memory).replace(/[^ -~]/g, "\\u0000").length).toBeLessThanOrEqual(MAX_MEMORY_BYTES);
          before = stable;
        }
      }),
      { numRuns: 200 },
    );
  });
});
