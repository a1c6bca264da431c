import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixturePath } from "../testing/golden.ts";
import { loadTokenizer } from "./prompt-tokenizer.ts";
import { strip } from "./python-text.ts";
import { saidText, tokenScores, withConfidences } from "./said-text.ts";

const tokenizer = await loadTokenizer(join(fixturePath("model"), "tokenizer.json"));

/** Each token with a log-probability of its own. */
function decoded(tokens: number[]) {
  return { tokens, logProbabilities: tokens.map((_, index) => -(index + 1) / 8) };
}

const say = (answer: string, forced?: string) => saidText(tokenizer, decoded(tokenizer.encode(answer)), forced);

describe("the tokens of a text as it was said", () => {
  it("are those behind the tag, or all where the language was forced, without the space around them", () => {
    const { text, tokens } = say("language English<asr_text> Hello, 好世界! \n");
    expect(text).toBe("Hello, 好世界!");
    expect(Buffer.concat(tokens.map(({ bytes }) => bytes)).toString()).toBe(text);
    expect(say("Hello.", "English").text).toBe("Hello.");
    expect(say("language None<asr_text>")).toEqual({ text: "", tokens: [] });
    expect(say("no tag at all").text).toBe("no tag at all");
  });

  it("are their text to the byte, whatever tokens they are, and lie in it in order", () => {
    const token = fc.integer({ min: 0, max: tokenizer.size - 1 });
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), fc.constantFrom("English", undefined), (ids, forced) => {
        const { text, tokens } = saidText(tokenizer, decoded(ids), forced);
        const answer = tokenizer.decode(ids);
        const tag = forced === undefined ? answer.indexOf("<asr_text>") : -1;
        expect(text).toBe(strip(tag === -1 ? answer : answer.slice(tag + "<asr_text>".length)));
        expect(Buffer.concat(tokens.map(({ bytes }) => bytes)).toString()).toBe(text);
        let at = 0;
        for (const { from, to } of tokens) {
          expect(from).toBe(at);
          expect(to).toBeGreaterThanOrEqual(from);
          at = to;
        }
        for (const { bytes } of tokens) expect(bytes.length).toBeGreaterThan(0);
      }),
    );
  });

  it("have a text, a score and bytes each", () => {
    const said = say("Hello.", "English");
    const [first] = tokenScores(said);
    expect(first).toEqual({ token: first?.token, logprob: -1 / 8, bytes: [...Buffer.from(first?.token ?? "")] });
    expect(
      tokenScores(said)
        .map(({ token }) => token)
        .join(""),
    ).toBe("Hello.");
  });

  it("give a word the geometric mean of their probabilities, whatever part of a character they bring", () => {
    const token = (text: number[], logProbability: number, from: number, to: number) => ({
      ...{ token: 0, bytes: Uint8Array.from(text), logProbability, from, to },
    });
    const said = {
      text: "no, 好!",
      tokens: [
        token([0x6e], -1, 0, 1),
        token([0x6f], -2, 1, 2),
        token([0x2c, 0x20], -9, 2, 4),
        token([0xe5, 0xa5], -1, 4, 4),
        token([0xbd], -0.5, 4, 5),
        token([0x21], -9, 5, 6),
      ],
    };
    const words = ["no", "好"].map((text) => ({ text, start: 0, end: 1 }));
    expect(withConfidences(words, said).map(({ confidence }) => confidence)).toEqual([0.2231, 0.4724]);
    // A word that the text does not hold has none.
    expect(withConfidences([{ text: "x", start: 0, end: 1 }], said)).toEqual([{ text: "x", start: 0, end: 1 }]);
  });
});
