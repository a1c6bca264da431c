import { describe, expect, test } from "vitest";
import {
  jobHeadersSchema,
  readSettings,
  submitRequestSchema,
  toSpeechError,
  transcribeRequestSchema,
  unknownFields,
  unknownHeaders,
  warningsOf,
  withoutNulls,
} from "../index.ts";

const sentence = (schema: { safeParse(value: unknown): { error?: unknown } }, value: unknown) =>
  toSpeechError(schema.safeParse(value).error).message;

describe("what is wrong with a body is a sentence that names the field", () => {
  test.each([
    [{}, "files: is required"],
    [{ files: [{}] }, "files.0.file_id: is required"],
    [{ files: [{ file_id: 7 }] }, "files.0.file_id: must be a text"],
    [{ files: "a" }, "files: must be a list"],
    [{ files: [] }, "files: must hold at least one item"],
    [{ files: [{ file_id: "a", custom_id: "" }] }, "files.0.custom_id: must not be empty"],
    [{ files: [{ file_id: "a" }], return_timestamps: "yes" }, "return_timestamps: must be true or false"],
    [{ files: [{ file_id: "a" }], context: "x".repeat(4_097) }, "context: must not be longer than 4096 characters"],
    [[1], "body: must be an object"],
  ])("%j", (body, expected) => {
    expect(sentence(transcribeRequestSchema, body)).toBe(expected);
  });

  test("also of a choice and of a number", () => {
    const of = (item: object) => sentence(submitRequestSchema, { items: [item] });
    expect(of({})).toBe("items.0.operation: is required: one of transcribe, custom_voice, voice_design, voice_clone");
    expect(of({ operation: "sing" })).toMatch(/^items\.0\.operation: must be one of transcribe, /);
    expect(of({ operation: "custom_voice", speed: 9 })).toBe("items.0.speed: must be at most 4");
    expect(of({ operation: "custom_voice", speed: "fast" })).toBe("items.0.speed: must be a number");
  });

  test("also of settings and headers", () => {
    expect(() => readSettings(["PORT"], { PORT: "80.5" })).toThrow('PORT: must be a whole number (it is "80.5")');
    expect(() => readSettings(["PORT"], { PORT: "99999" })).toThrow('PORT: must be at most 65535 (it is "99999")');
    expect(sentence(jobHeadersSchema, {})).toMatch(/^submittedAt: must be a number|^submittedAt: is required/);
  });
});

test("a field that is null counts as absent, at any depth; what a list holds stays", () => {
  const body = { files: [{ file_id: "a", custom_id: null }], language: null, prompt: null, context: null };
  expect(withoutNulls(body)).toEqual({ files: [{ file_id: "a" }] });
  expect(transcribeRequestSchema.parse(withoutNulls(body))).toMatchObject({ language: "auto" });
  expect(sentence(transcribeRequestSchema, withoutNulls({ files: null }))).toBe("files: is required");
  expect(withoutNulls([1, null, { a: null }])).toEqual([1, null, {}]);
  expect(withoutNulls(null)).toBeNull();
});

describe("fields that are not known", () => {
  test("are told by their paths", () => {
    const item = { operation: "transcribe", ref_audio: "a", langauge: "de" };
    expect(unknownFields(submitRequestSchema, { items: [item, item], lable: "x", label: "y" })).toEqual([
      "items.0.langauge",
      "items.1.langauge",
      "lable",
    ]);
    expect(unknownFields(submitRequestSchema, { items: [{ operation: "transcribe", constructor: 1 }] })).toEqual([
      "items.0.constructor",
    ]);
    for (const value of [null, [], "text", { items: "text" }, { items: [null, 3] }]) {
      expect(unknownFields(submitRequestSchema, value)).toEqual([]);
    }
  });

  test("are told shortly, however many there are and whatever they are called", () => {
    expect(warningsOf([])).toEqual([]);
    expect(warningsOf(["langauge"])).toEqual(["langauge: is not known here and was ignored"]);
    const many = warningsOf(Array.from({ length: 1_000 }, () => `a\r\nb${"x".repeat(500)}`));
    expect(many).toHaveLength(17);
    expect(many[0]).toMatch(/^abx+: is not known/);
    expect(JSON.stringify(many).length).toBeLessThan(4_000);
    expect(many.at(-1)).toContain("984 more");
  });
});

test("headers that begin as ours and are none are told, in any case; others are their sender's business", () => {
  const names = [
    "Parlance-Langauge",
    "parlance-custom-id",
    "X-Mine",
    "Nats-Msg-Id",
    "Parlance-Samples",
    "Content-Type",
  ];
  expect(unknownHeaders({ keys: () => names }, ["contentType", "customId", "language"])).toEqual([
    "Parlance-Langauge",
    "Parlance-Samples",
  ]);
});
