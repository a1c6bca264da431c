import { heardWindowSchema, MAX_MEMORY_BYTES, type WindowMemory } from "@parlance/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hearText, PIN_SECONDS, textWindow } from "./memory.ts";

const window = (memory: WindowMemory | undefined) => textWindow({ window: { memory } });
const empty = { stable: "", tail: "", language: undefined };

/** One window after the other, by what was said, and in which language. */
function hear(said: readonly [text: string, seconds: number, language?: string][], sure = false) {
  let memory: WindowMemory | undefined;
  return said.map(([text, seconds, language]) => {
    const heard = hearText(window(memory) ?? empty, { text, seconds, language, sure });
    memory = JSON.parse(JSON.stringify(heard.memory));
    return heard;
  });
}

describe("the memory of a window", () => {
  it("is none of a segment that is no window", () => {
    expect(textWindow({})).toBeUndefined();
    expect(window(undefined)).toEqual(empty);
  });

  it("that is anything else is as if it were not there", () => {
    const [, { memory } = { memory: {} }] = hear([
      ["so it", 3, "English"],
      ["so it was", 4, "English"],
    ]);
    expect(window(memory)).toEqual({ rule: "agreement 1", stable: "so it", tail: " was", language: "English" });
    expect(window({ ...memory, rule: "agreement 0" })).toEqual(empty);
    expect(window({ ...memory, stable: "x".repeat(5_000) })).toEqual(empty);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (anything) => {
        expect(window(JSON.parse(JSON.stringify(anything)))).toEqual(empty);
      }),
    );
  });

  it("pins the language when enough was heard, and until then nothing is stable", () => {
    const before = PIN_SECONDS - 0.1;
    const heard = hear([
      ["so it was", 1, "Welsh"],
      ["so it was", before, "Welsh"],
      ["so it was", PIN_SECONDS, "English"],
      ["so it was", 4, "German"],
    ]);
    expect(heard.map(({ stable }) => stable)).toEqual(["", "", "so it", "so it"]);
    expect(heard.map(({ memory }) => memory.language)).toEqual([undefined, undefined, "English", "English"]);
    expect(
      hear([
        ["", 8],
        ["so it", 9, "English"],
      ]).map(({ memory }) => memory.language),
    ).toEqual([undefined, "English"]);
  });

  it("needs no language where the caller named it", () => {
    const heard = hear(
      [
        ["so it was", 0.5, "English"],
        ["so it was", 0.8, "English"],
      ],
      true,
    );
    expect(heard[1]).toMatchObject({ stable: "so it", tail: " was" });
    expect(heard[1]?.memory).not.toHaveProperty("language");
  });

  it("is never longer than a header may be, whatever was said", () => {
    for (const text of ["\u0001", "😀 a", "你", "w ", '"\\ b'].map((unit) => unit.repeat(1_500))) {
      for (const { memory } of hear([
        [text, 9, "English"],
        [`${text} x`, 9, "English"],
        [text, 9, "English"],
      ])) {
        const json = JSON.stringify(memory).replace(/[^ -~]/g, "\\u0000");
        expect(json.length).toBeLessThanOrEqual(MAX_MEMORY_BYTES);
      }
    }
  });

  it("is what the contract takes", () => {
    for (const heard of hear([["so it", 3, "English"]])) expect(heardWindowSchema.parse(heard)).toEqual(heard);
  });
});
