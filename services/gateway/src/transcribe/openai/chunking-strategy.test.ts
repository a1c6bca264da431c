import { toSpeechError } from "@parlance/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunkingStrategyField, gatherStrategy } from "./chunking-strategy.ts";

const vad = fc.record({
  type: fc.constant("server_vad" as const),
  threshold: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
  prefix_padding_ms: fc.nat(10_000),
  silence_duration_ms: fc.nat(10_000),
});

const read = (fields: [string, string[]][]) =>
  chunkingStrategyField.safeParse(gatherStrategy(new Map(fields)).get("chunking_strategy")?.at(-1));

describe("chunking_strategy", () => {
  test("means the same as JSON and as fields in brackets", () => {
    fc.assert(
      fc.property(vad, (strategy) => {
        const asJson = read([["chunking_strategy", [JSON.stringify(strategy)]]]);
        const bracketed = Object.entries(strategy).map(([key, value]): [string, string[]] => [
          `chunking_strategy[${key}]`,
          [String(value)],
        ]);
        expect(asJson).toEqual({ success: true, data: strategy });
        expect(read(bracketed)).toEqual(asJson);
      }),
    );
  });

  test("leaves all other fields of a form as they are", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.array(fc.string())), (others) => {
        const fields = new Map(Object.entries(others).filter(([name]) => !name.startsWith("chunking_strategy[")));
        expect(gatherStrategy(fields)).toEqual(fields);
      }),
    );
  });

  test.each(["auto", '"auto"'])("takes %s", (text) => {
    expect(chunkingStrategyField.parse(text)).toBe("auto");
  });

  test("has OpenAI's defaults", () => {
    expect(read([["chunking_strategy[type]", ["server_vad"]]]).data).toEqual({
      ...{ type: "server_vad", threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 200 },
    });
    expect(read([["chunking_strategy[type]", ["auto"]]]).data).toEqual({ type: "auto" });
  });

  test.each([
    ["never", []],
    ["[1]", []],
    ["7", []],
    ["{}", ["type"]],
    ['{"type":"server_vad","threshold":2}', ["threshold"]],
    ['{"type":"server_vad","threshold":"high"}', ["threshold"]],
    ['{"type":"server_vad","silence_duration_ms":-1}', ["silence_duration_ms"]],
    ['{"type":"server_vad","prefix_padding_ms":0.5}', ["prefix_padding_ms"]],
  ])("refuses %s by the key that is wrong", (text, path) => {
    const { error } = chunkingStrategyField.safeParse(text);
    expect(error?.issues[0]?.path).toEqual(path);
    expect(toSpeechError(error).message).toMatch(/^\w+: (is|must)/);
  });
});
