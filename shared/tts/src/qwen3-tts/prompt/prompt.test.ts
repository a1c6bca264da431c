import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildPrompt, type Place, type PromptMarks, type PromptWishes } from "./prompt.ts";

const marks: PromptMarks = {
  text: { pad: 900, begin: 901, end: 902 },
  codec: { pad: 50, begin: 51, end: 52, think: 53, noThink: 54, thinkBegin: 55, thinkEnd: 56 },
};
const wishes: PromptWishes = {
  instructions: [],
  role: [1, 2, 3],
  text: [10, 11],
  language: undefined,
  voice: undefined,
  reference: undefined,
  layout: "text_first",
};

/** One place as text / codec; a reference's frame by its first code, a vector as `v`. */
function written({ text, codec }: Place): string {
  const sound = codec instanceof Float32Array ? "v" : codec instanceof Int32Array ? `f${codec[0]}` : (codec ?? "");
  return `${text ?? ""}/${sound}`;
}
const places = (change: Partial<PromptWishes>) =>
  buildPrompt(marks, { ...wishes, ...change })
    .places.map(written)
    .join(" ");

describe("with the text first", () => {
  test("a speaker and a language", () => {
    expect(places({ voice: 30, language: 20 })).toBe(
      "1/ 2/ 3/ 900/53 900/55 900/20 900/56 900/30 901/50 10/50 11/50 902/50 900/51",
    );
  });

  test("a voice that instructions make up, in a language that the model tells", () => {
    expect(places({ instructions: [7, 8] })).toBe(
      "7/ 8/ 1/ 2/ 3/ 900/54 900/55 900/56 901/50 10/50 11/50 902/50 900/51",
    );
  });

  test("the sound of a reference alone", () => {
    expect(places({ voice: new Float32Array(2) })).toBe(
      "1/ 2/ 3/ 900/54 900/55 900/56 900/v 901/50 10/50 11/50 902/50 900/51",
    );
  });

  test("a reference with its text", () => {
    const reference = { text: [70, 71], frames: [Int32Array.of(4, 5), Int32Array.of(6, 7)] };
    expect(places({ voice: new Float32Array(2), reference })).toBe(
      "1/ 2/ 3/ 900/54 900/55 900/56 900/v 901/50 70/50 71/50 10/50 11/50 902/50 900/51 900/f4 900/f6",
    );
  });
});

describe("with the text beside the sound", () => {
  test("its first token opens the sound, the others stand at the frames to come", () => {
    expect(places({ voice: 30, layout: "text_beside" })).toBe("1/ 2/ 3/ 900/54 900/55 900/56 900/30 901/50 10/51");
    expect(buildPrompt(marks, { ...wishes, layout: "text_beside" }).trailing).toEqual([11, 902]);
  });

  test("of a reference both streams stand at the same places, the shorter one padded", () => {
    const frames = (count: number) => Array.from({ length: count }, (_, at) => Int32Array.of(at + 1, 0));
    const prompt = (count: number) =>
      buildPrompt(marks, { ...wishes, layout: "text_beside", reference: { text: [70], frames: frames(count) } });
    expect(prompt(1).places.map(written).join(" ")).toBe("1/ 2/ 3/ 900/54 900/55 900/56 901/50 70/51 10/f1");
    expect(prompt(1).trailing).toEqual([11, 902]);
    expect(prompt(5).places.map(written).slice(7).join(" ")).toBe("70/51 10/f1 11/f2 902/f3 900/f4 900/f5");
    expect(prompt(5).trailing).toEqual([]);
  });
});

test("whatever is asked, every token of the text stands once, in order, behind the reference's, and the sound begins once", () => {
  const tokens = fc.array(fc.integer({ min: 100, max: 800 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      tokens,
      fc.option(tokens, { nil: undefined }),
      fc.nat(20),
      fc.constantFrom("text_first" as const, "text_beside" as const),
      (text, said, count, layout) => {
        const frames = Array.from({ length: count }, (_, at) => Int32Array.of(at, at));
        const reference = said === undefined ? undefined : { text: said, frames };
        const prompt = buildPrompt(marks, { ...wishes, text, reference, layout });
        const read = [...prompt.places.slice(3).map((place) => place.text), ...prompt.trailing];
        expect(read.filter((token) => token !== 900 && token !== 901)).toEqual([...(said ?? []), ...text, 902]);
        expect(prompt.places.filter(({ codec }) => codec === 51)).toHaveLength(1);
        const sound = prompt.places.filter(({ codec }) => codec instanceof Int32Array).map(({ codec }) => codec);
        expect(sound).toEqual(reference?.frames ?? []);
        expect(prompt.places.slice(0, 3).every(({ codec }) => codec === undefined)).toBe(true);
      },
    ),
  );
});
