import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agree, MOST_STABLE, nothingSpoken, type Spoken } from "./agreement.ts";
import { unitsOf } from "./units.ts";

/** What is told of each of these texts, one window after the other. */
function hearAll(texts: readonly string[]): Spoken[] {
  let last = nothingSpoken;
  return texts.map((text) => {
    last = agree(last, text);
    return last;
  });
}

const lastOf = (...texts: string[]) => hearAll(texts).at(-1);

const word = fc.constantFrom("so", "it", "was", "Was,", "was.", "no", "twenty", "25", "don't", "naïve", "naïve", "—");
const character = fc.constantFrom("你", "好", "。", "か", "\u3099", "ก", "ำ", "𠮷", "ア", "JetStream", "é");
const spokenText = fc.oneof(
  fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
  fc.array(character, { maxLength: 12 }).map((characters) => characters.join("")),
  fc.array(fc.oneof(word, character), { maxLength: 8 }).map((parts) => parts.join(" ")),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);

describe("what is stable", () => {
  it("is what two windows agree on, without the last word", () => {
    expect(hearAll(["so it was", "so it was a dark", "so it was a dark and"])).toEqual([
      { stable: "", tail: "so it was" },
      { stable: "so it was", tail: " a dark" },
      { stable: "so it was a dark", tail: " and" },
    ]);
    expect(lastOf("so it was", "so it was")).toEqual({ stable: "so it", tail: " was" });
  });

  it("is compared without case and punctuation, and told as it was spelt last", () => {
    expect(lastOf("so. it was", "So, it was: a")).toEqual({ stable: "So, it was", tail: ": a" });
    // Punctuation behind the last stable word may still change.
    expect(lastOf("it was over", "It was over. And", "It was over, and then")).toEqual({
      stable: "It was over, and",
      tail: " then",
    });
  });

  it("is characters where a script has no spaces", () => {
    expect(lastOf("今日は良い", "今日は良い天気")).toEqual({ stable: "今日は良い", tail: "天気" });
    expect(lastOf("用 JetStream", "用 JetStreams 吧", "用 JetStreams 吧。")).toEqual({
      stable: "用 JetStreams",
      tail: " 吧。",
    });
  });

  it("stays as it is when the model thinks otherwise later, and the text goes on behind what is most like it", () => {
    const stable = "I wanna go there";
    const goesOn = (text: string) => agree({ stable, tail: "" }, text);
    expect(goesOn("I want to go there now")).toEqual({ stable, tail: " now" });
    expect(goesOn("I want to go their now")).toEqual({ stable, tail: " now" });
    expect(goesOn("go there now")).toEqual({ stable, tail: " now" });
    expect(goesOn("I wanna")).toEqual({ stable, tail: "" });
    expect(goesOn("")).toEqual({ stable, tail: "" });
    expect(agree({ stable: "any one", tail: "" }, "anyone there")).toEqual({ stable: "any one", tail: " there" });
    expect(agree({ stable: "x", tail: "" }, "completely different")).toEqual({
      stable: "x",
      tail: " completely different",
    });
  });

  it("is not gone on with by a letter that joins what is before it", () => {
    expect(lastOf("ア", "ア 你", "ำ")).toEqual({ stable: "ア", tail: "" });
    expect(lastOf("ア", "ア 你", "ຳ 好")).toMatchObject({ stable: "ア" });
  });

  it("is nothing new while it may not be", () => {
    expect(agree({ stable: "so", tail: " it was" }, "so it was dark", false)).toEqual({
      stable: "so",
      tail: " it was dark",
    });
  });

  it("only grows, whatever the model says, and text is cut where a reader sees a character end", () => {
    const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
    fc.assert(
      fc.property(fc.array(fc.tuple(spokenText, fc.boolean()), { maxLength: 8 }), (windows) => {
        let last = nothingSpoken;
        for (const [text, commits] of windows) {
          const next = agree(last, text, commits);
          expect(next.stable.startsWith(last.stable)).toBe(true);
          if (!commits) expect(next.stable).toBe(last.stable);
          const whole = next.stable + next.tail;
          expect(whole.isWellFormed()).toBe(true);
          const ends = Array.from(graphemes.segment(whole), ({ index, segment }) => index + segment.length);
          if (next.stable !== "") expect(ends).toContain(next.stable.length);
          // A unit of the whole that begins in the stable text ends there: no word is parted.
          for (const { from, to } of unitsOf(whole)) {
            if (from < next.stable.length) expect(to).toBeLessThanOrEqual(next.stable.length);
          }
          last = next;
        }
      }),
      { numRuns: 500 },
    );
  });

  it("comes to the whole of a text that is said twice, but for its last word", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom("so", "it", "was", "a", "dark", "and", "stormy", "night"), { minLength: 1 }),
        (words) => {
          const texts = words.map((_, count) => words.slice(0, count + 1).join(" "));
          const { stable, tail } = lastOf(...texts, texts.at(-1) ?? "") ?? nothingSpoken;
          expect(stable + tail).toBe(words.join(" "));
          expect(tail.trim()).toBe(words.at(-1));
        },
      ),
    );
  });

  it("has an end: no memory has room for any text", () => {
    const long = Array.from({ length: 600 }, (_, index) => `w${index}`).join(" ");
    const { stable = "" } = lastOf(long, long) ?? {};
    expect(stable.length).toBeLessThanOrEqual(MOST_STABLE);
    expect(stable.length).toBeGreaterThan(MOST_STABLE - 8);
  });
});

describe("a loop", () => {
  it("is left out of a window that it ends, and never becomes stable", () => {
    const loops = [3, 6, 9, 12].map((times) => `so${" it was".repeat(times)}`);
    for (const { stable, tail } of hearAll(["so", ...loops, ...loops])) expect(stable + tail).toBe("so");
    expect(lastOf("你好", ...[3, 5, 7].map((times) => `你好${"哈".repeat(times)}`))).toEqual({
      stable: "你",
      tail: "好",
    });
  });

  it("is left out with all behind it, when the model says more behind it", () => {
    const loop = `so${" it was".repeat(8)} over and out`;
    expect(lastOf(loop, loop, loop)).toEqual({ stable: "", tail: "so" });
    const word = `so ${"ha".repeat(20)} over`;
    expect(lastOf(word, word)).toEqual({ stable: "", tail: "so" });
  });

  it("is none when what repeats goes on", () => {
    expect(lastOf("dial zero zero zero", "dial zero zero zero five", "dial zero zero zero five one")).toEqual({
      stable: "dial zero zero zero five",
      tail: " one",
    });
  });

  it("of whatever words is never in the stable text more than it was said before it looped", () => {
    const unit = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(unit, fc.array(fc.integer({ min: 3, max: 20 }), { minLength: 2, maxLength: 6 }), (words, times) => {
        const texts = times.map((count) => ["so", ...Array.from({ length: count }, () => words).flat()].join(" "));
        for (const { stable, tail } of hearAll(["so", ...texts])) expect(stable + tail).toBe("so");
      }),
    );
  });
});
