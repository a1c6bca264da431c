import { describe, expect, it } from "vitest";
import { toSpeechError } from "../errors/errors.ts";
import { MAX_CONTEXT } from "../messages/headers.ts";
import { submitRequestSchema, transcribeRequestSchema } from "./rest.ts";

describe("a submission over REST", () => {
  const item = { operation: "transcribe", ref_audio: "f1", text: "" };

  it("names the field of a bad item", () => {
    const parsed = submitRequestSchema.safeParse({ items: [item, { ...item, language: "Klingon" }] });
    expect(toSpeechError(parsed.error)).toMatchObject({ code: "validation_failed", param: "items.1.language" });
  });

  it("refuses 1,001 items, none, duplicate custom ids and a missing file", () => {
    const check = (items: unknown[]) => toSpeechError(submitRequestSchema.safeParse({ items }).error).param;
    expect(check(Array(1_001).fill(item))).toBe("items");
    expect(check([])).toBe("items");
    expect(
      check([
        { ...item, custom_id: "a" },
        { ...item, custom_id: "a" },
      ]),
    ).toBe("items.1.custom_id");
    expect(check([{ operation: "transcribe" }])).toBe("items.0.ref_audio");
  });

  it("two names of one field must agree", () => {
    const speak = { operation: "custom_voice", text: "Hello." };
    const check = (more: object) => submitRequestSchema.safeParse({ items: [{ ...speak, ...more }] });
    expect(check({ voice: "slt", speaker: "slt" }).success).toBe(true);
    expect(toSpeechError(check({ voice: "slt", speaker: "ryan" }).error).param).toBe("items.0.speaker");
    expect(toSpeechError(check({ instructions: "a", instruct: "b" }).error).param).toBe("items.0.instruct");
    expect(toSpeechError(check({ speed: 5 }).error).param).toBe("items.0.speed");
    expect(check({ context: "a", prompt: "a" }).success).toBe(true);
    expect(toSpeechError(check({ context: "a", prompt: "b" }).error).param).toBe("items.0.prompt");
    const files = [{ file_id: "f" }];
    const both = transcribeRequestSchema.safeParse({ files, context: "a", prompt: "b" });
    expect(toSpeechError(both.error)).toMatchObject({ param: "prompt", message: expect.stringMatching(/^prompt: /) });
  });

  it("a context has an end, under each of its names", () => {
    const long = "x".repeat(MAX_CONTEXT + 1);
    for (const field of ["context", "prompt"]) {
      const parsed = submitRequestSchema.safeParse({ items: [{ ...item, [field]: long }] });
      expect(toSpeechError(parsed.error)).toMatchObject({ code: "validation_failed", param: `items.0.${field}` });
    }
  });
});
