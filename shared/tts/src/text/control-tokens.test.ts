import fc from "fast-check";
import { expect, test } from "vitest";
import { withoutControlTokens } from "./control-tokens.ts";
import { spokenProblem } from "./spoken-problem.ts";

test("turns, padding and marks of sound are cut out, and what only looks like one is kept", () => {
  expect(withoutControlTokens("One.<|im_end|>\n<|im_start|>user\nTwo <tts_pad><tts_text_eod></think>three.")).toBe(
    "One.\nuser\nTwo three.",
  );
  for (const text of ["a <b> c", "1 <| 2 |> 3", "<strong>", "if x <|y| then", "<|two words|>"]) {
    expect(withoutControlTokens(text)).toBe(text);
  }
});

test("nothing is left of them, however they are put together", () => {
  expect(withoutControlTokens("a<|im_<|im_<tts_pad>end|>end|>b<tts_<|x|>pad>c")).toBe("abc");
  const pieces = fc.constantFrom("<|", "|>", "im_end", "<tts_", "pad>", "<", ">", "|", "/", "s", "think", " ", "word");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const rest = withoutControlTokens(parts.join(""));
      expect(withoutControlTokens(rest)).toBe(rest);
      expect(rest).not.toMatch(/<\|\w+\|>|<tts_pad>|<\/?think>|<s>/);
    }),
  );
});

test("a long nest of them takes no time to speak of", () => {
  const deep = "<tts_".repeat(450) + "pad>".repeat(450);
  expect(withoutControlTokens(deep)).toBe("");
});

test("a text of nothing else cannot be said", () => {
  expect(spokenProblem("<|im_start|><|im_end|>")).toMatch(/nothing that can be said/);
  expect(spokenProblem("<|im_start|>Hello.")).toBeUndefined();
});
