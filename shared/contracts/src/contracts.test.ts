import { describe, expect, it } from "vitest";
import {
  audioFileId,
  dropHeadersSchema,
  fileIdSchema,
  findLanguage,
  jobHeadersSchema,
  languageCodes,
  languageNames,
  MAX_CONTEXT,
  MAX_HEADER_BYTES,
  MAX_LIST_BYTES,
  oneLine,
  parseAudioFileId,
  parseIntakeSubject,
  parseJobSubject,
  parseResultSubject,
  parseSegmentFileId,
  parseTranscriptFileId,
  readHeaders,
  SpeechError,
  segmentFileId,
  speechOperations,
  subjects,
  submitRequestSchema,
  toErrorBody,
  tokenSchema,
  toSpeechError,
  transcribeRequestSchema,
  transcriptFileId,
  writeHeaders,
} from "./index.ts";

function headers(pairs: [string, string][]) {
  const map = new Map(pairs);
  return { get: (name: string) => map.get(name) ?? "", has: (name: string) => map.has(name) };
}

describe("transcript file ids", () => {
  it("are file ids for every batch and item id, and name them", () => {
    const longest = "b".repeat(64);
    const id = transcriptFileId(longest, longest);
    expect(fileIdSchema.safeParse(id).success).toBe(true);
    expect(parseTranscriptFileId(id)).toEqual({ batchId: longest, itemId: longest });
    expect(parseTranscriptFileId("84c08fb9-5d57-4073-960b-2e6c53faad78")).toBeUndefined();
  });
});

describe("audio file ids", () => {
  const longest = "b".repeat(64);

  it("are file ids for every batch and item id, and name their item and format", () => {
    for (const operation of speechOperations) {
      const id = audioFileId(operation, longest, longest, "opus");
      expect(fileIdSchema.safeParse(id).success).toBe(true);
      expect(parseAudioFileId(id)).toEqual({ operation, batchId: longest, itemId: longest, format: "opus" });
    }
    expect(parseAudioFileId("queue_transcribe_b.i.json")).toBeUndefined();
    expect(parseAudioFileId("queue_custom_voice_b.i.exe")).toBeUndefined();
    expect(parseTranscriptFileId(audioFileId("custom_voice", "b", "i", "wav"))).toBeUndefined();
  });

  it("a segment's is told from every other file", () => {
    const id = segmentFileId(longest, longest, 13);
    expect(fileIdSchema.safeParse(id).success).toBe(true);
    expect(parseSegmentFileId(id)).toEqual({ batchId: longest, itemId: longest, n: 13 });
    expect(parseSegmentFileId("84c08fb9-5d57-4073-960b-2e6c53faad78")).toBeUndefined();
  });
});

describe("subjects", () => {
  it("a job's subject and its address are each other's inverse", () => {
    const subject = subjects.job("transcribe", "interactive", "b-1", "i_2", 7);
    expect(subject).toBe("speech.job.transcribe.interactive.b-1.i_2.7");
    expect(parseJobSubject(subject)).toEqual({
      operation: "transcribe",
      lane: "interactive",
      batchId: "b-1",
      itemId: "i_2",
      n: 7,
    });
  });

  it.each([
    "speech.job.sing.batch.b.i.0",
    "speech.job.transcribe.batch.b.i.x",
    "speech.job.transcribe.batch.b.i.0.1",
    "a.b",
  ])("%s is no job's subject", (subject) => expect(parseJobSubject(subject)).toBeUndefined());

  it("results and intake are parsed the same way", () => {
    expect(parseResultSubject(subjects.result("b", "i", 3))).toEqual({ batchId: "b", itemId: "i", n: 3 });
    expect(parseIntakeSubject(subjects.intake("mic", "b"))).toEqual({ source: "mic", batchId: "b" });
  });

  it("an identifier can neither widen a subject nor end it", () => {
    for (const bad of ["", "*", ">", "a.b", "a b", "é", "x".repeat(65)])
      expect(tokenSchema.safeParse(bad).success).toBe(false);
  });
});

describe("headers", () => {
  it("what is written is read back", () => {
    const job = {
      language: "English" as const,
      timestamps: true,
      hotwords: ["lease", "über"],
      submittedAt: 1_700_000_000_000,
      start: 400_000,
      last: false,
      together: 3,
    };
    expect(readHeaders(jobHeadersSchema, headers(writeHeaders(job)))).toMatchObject({ ...job, phrases: [] });
  });

  it("what is said of a text to speak is read back, on one line whatever was written", () => {
    const fields = { voice: "slt", speed: 1.5, format: "opus" as const, pauseMs: 350, referenceSamples: 12_000 };
    const free = { instructions: oneLine("warm,\r\n  and slow: über"), referenceText: oneLine(" Hello\tthere\n") };
    expect(free).toEqual({ instructions: "warm, and slow: über", referenceText: "Hello there" });
    const job = { submittedAt: 1, last: true, ...fields, ...free };
    expect(readHeaders(jobHeadersSchema, headers(writeHeaders(job)))).toMatchObject(job);
  });

  it.each([
    ["lines and quotation marks", 'Minutes of "Lease & Co":\r\n\t1. Größe\n'],
    ["what looks like JSON", '"NATS"'],
    ["other alphabets", "会议记录：帕兰斯\u2028\u{1f600}"],
    ["blanks around it", "  JetStream "],
  ])("a context keeps %s, and its header is one line", (_name, context) => {
    const [[name, value] = ["", ""]] = writeHeaders({ context });
    expect(name).toBe("Parlance-Context");
    expect(value).not.toMatch(/[\r\n]/);
    const job = { context, submittedAt: 1, last: true };
    expect(readHeaders(jobHeadersSchema, headers(writeHeaders(job)))).toMatchObject(job);
  });

  it("a drop's context may be written as it is", () => {
    const read = (text: string) => readHeaders(dropHeadersSchema, headers([["Parlance-Context", text]])).context;
    expect(read("Parlance, NATS, JetStream")).toBe("Parlance, NATS, JetStream");
    expect(read("x".repeat(MAX_CONTEXT))).toHaveLength(MAX_CONTEXT);
    for (const bad of ['"NATS" and JetStream', "x".repeat(MAX_CONTEXT + 1)]) {
      expect(() => read(bad)).toThrow(
        expect.objectContaining({ issues: [expect.objectContaining({ path: ["context"] })] }),
      );
    }
  });

  it("the longest lists and context fit the headers of one message", () => {
    const list = [...Array.from({ length: 85 }, () => "\u{3042}".repeat(63)), ""];
    expect(Buffer.byteLength(JSON.stringify(list))).toBeLessThanOrEqual(MAX_LIST_BYTES);
    expect(Buffer.byteLength(JSON.stringify(list))).toBeGreaterThan(MAX_LIST_BYTES - 192);
    const job = { hotwords: list, phrases: list, context: "\u0001".repeat(MAX_CONTEXT), submittedAt: 1, last: true };
    const pairs = writeHeaders({ ...job, customId: "c".repeat(256), language: "Haitian Creole" });
    const bytes = pairs.reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}: ${value}\r\n`), 0);
    expect(bytes).toBeLessThan(MAX_HEADER_BYTES - 4_096);
    expect(readHeaders(jobHeadersSchema, headers(pairs))).toMatchObject(job);
  });

  it("a drop without headers has defaults", () => {
    expect(readHeaders(dropHeadersSchema, undefined)).toMatchObject({
      language: "auto",
      timestamps: false,
      lane: "batch",
    });
  });

  it("a bad header is an error that names the field", () => {
    const bad = () => readHeaders(dropHeadersSchema, headers([["Parlance-Language", "Klingon"]]));
    try {
      bad();
      expect.unreachable();
    } catch (error) {
      expect(toSpeechError(error)).toMatchObject({ code: "validation_failed", param: "language" });
    }
  });
});

describe("languages", () => {
  it("all of them and auto are found by name and code in any case", () => {
    expect(languageNames).toHaveLength(100);
    for (const name of languageNames) {
      expect(findLanguage(name.toUpperCase())).toBe(name);
      expect(findLanguage(languageCodes[name])).toBe(name);
    }
    expect(new Set(Object.values(languageCodes)).size).toBe(100);
    expect(findLanguage("AUTO")).toBe("auto");
    expect(findLanguage("en-US")).toBe("English");
    expect(findLanguage(" cantonese ")).toBe("Cantonese");
    expect(findLanguage("yue")).toBe("Cantonese");
    expect(findLanguage("tlh")).toBeUndefined();
  });

  it.each([
    ["mandarin", "Chinese"],
    ["Burmese", "Myanmar"],
    ["flemish", "Dutch"],
    ["haitian", "Haitian Creole"],
    ["tagalog", "Filipino"],
    ["tl", "Filipino"],
    ["fil-PH", "Filipino"],
    ["jw", "Javanese"],
    ["iw", "Hebrew"],
    ["sw", "Swahili"],
  ])("%s is %s", (text, name) => {
    expect(findLanguage(text)).toBe(name);
  });
});

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

describe("errors", () => {
  it("an unknown error tells the caller nothing of its inside", () => {
    const body = toErrorBody(toSpeechError(new Error("password=hunter2")));
    expect(JSON.stringify(body)).not.toContain("hunter2");
    expect(body.error).toMatchObject({ code: "internal", type: "server_error" });
  });

  it("an error of ours keeps its code, status and field", () => {
    const error = new SpeechError("audio_truncated", undefined, { param: "audio" });
    expect(error.status).toBe(422);
    expect(toErrorBody(error).error).toMatchObject({
      code: "audio_truncated",
      param: "audio",
      type: "invalid_request_error",
    });
  });
});
