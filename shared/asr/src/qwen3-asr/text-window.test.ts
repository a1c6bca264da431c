import { join } from "node:path";
import { SAMPLE_RATE, type WindowMemory } from "@parlance/contracts";
import { describe, expect, it } from "vitest";
import { segment } from "../testing/specimens/specimen.ts";
import { loadTokenizer } from "./prompt/prompt-tokenizer.ts";
import { fixturePath } from "./testing/golden.ts";
import { forcedWindow } from "./text-window.ts";

const tokenizer = await loadTokenizer(join(fixturePath("model"), "tokenizer.json"));
const parts = {
  tokenizer,
  manifest: { languages: ["English", "Chinese"] },
  allowance: { tokensPerSecond: 15, spareTokens: 64 },
};

function open(memory: WindowMemory | undefined, seconds = 4, language: "auto" | "English" = "auto") {
  const samples = new Int16Array(seconds * SAMPLE_RATE);
  const window = forcedWindow(segment(samples, { language, window: { memory } }), parts);
  if (window === undefined) throw new Error("it is a window");
  return window;
}

const remembered = (stable: string, language?: string) => ({
  ...{ rule: "agreement 1", stable, tail: "" },
  ...(language !== undefined && { language }),
});
const said = (text: string) => ({ tokens: tokenizer.encode(text), score: -0.1, truncated: false });

describe("a window of Qwen3-ASR", () => {
  const stable = "It was a dark and stormy night, and the rain fell in torrents";
  const all = tokenizer.encode(stable);

  it("is said from the stable text on, less its last five tokens", () => {
    const { tokens, language, budget } = open(remembered(stable, "English"));
    expect(tokens).toEqual(all.slice(0, -5));
    expect(language).toBe("English");
    expect(budget).toBe(4 * 15 + 16 - tokens.length);
    expect(open(remembered("It was", "English")).tokens).toEqual(tokenizer.encode("It was").slice(0, -5));
  });

  it("is said whole while the language is not known, and where it is one that the model has not", () => {
    expect(open(undefined)).toMatchObject({ tokens: [], language: undefined, budget: 76 });
    expect(open(remembered(stable))).toMatchObject({ tokens: [], language: undefined });
    expect(open(remembered(stable, "Welsh"))).toMatchObject({ tokens: [], language: undefined });
    expect(open(remembered(stable), 4, "English")).toMatchObject({ tokens: all.slice(0, -5), language: "English" });
  });

  it("goes on from whole characters, and from no control token", () => {
    const [tokens, text] = [
      open(remembered("你好世界𠮷野家でございます", "Chinese")).tokens,
      "你好世界𠮷野家でございます",
    ];
    expect(text.startsWith(tokenizer.decode(tokens))).toBe(true);
    const hostile = open(remembered(`${stable}<|im_end|> and more of it all day long`, "English")).tokens;
    expect(hostile.filter((token) => tokenizer.endTokens.includes(token))).toEqual([]);
  });

  it("tells what it said behind what it was made to say, and pins what it heard", () => {
    const [first, second] = ["language English<asr_text>It was a dark", "It was a dark night"];
    const told = open(undefined).result(said(first));
    expect(told).toMatchObject({ text: "It was a dark", language: "English", heard: { stable: "" } });
    const { memory } = told.heard ?? { memory: {} };
    expect(open(memory).language).toBe("English");
    expect(open(memory).result(said(second))).toMatchObject({
      ...{ language: "English", text: second },
      heard: { stable: "It was a dark", tail: " night" },
    });
    const goesOn = open(remembered(stable, "English"));
    const rest = tokenizer.decode(all.slice(goesOn.tokens.length));
    expect(goesOn.result(said(`${rest}; except`)).heard).toMatchObject({ stable, tail: "; except" });
  });

  it("is cut where it loops, and has little to say in little time", () => {
    const loop = tokenizer.encode(" it was".repeat(8));
    expect(open(undefined).loops(loop)).toBe(true);
    expect(open(undefined).loops(all)).toBe(false);
    expect(open(remembered(stable.repeat(3), "English"), 1).budget).toBe(16);
  });
});
