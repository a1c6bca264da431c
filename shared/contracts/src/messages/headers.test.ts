import { describe, expect, it } from "vitest";
import { toSpeechError } from "../errors/errors.ts";
import { MAX_SEED } from "../words/seeds.ts";
import {
  dropHeadersSchema,
  jobHeadersSchema,
  MAX_CONTEXT,
  MAX_HEADER_BYTES,
  MAX_LIST_BYTES,
  oneLine,
  readHeaders,
  writeHeaders,
} from "./headers.ts";

function headers(pairs: [string, string][]) {
  const map = new Map(pairs);
  return { get: (name: string) => map.get(name) ?? "", has: (name: string) => map.has(name) };
}

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
    const fields = {
      voice: "slt",
      speed: 1.5,
      format: "opus" as const,
      pauseMs: 350,
      reference: "0f".repeat(32),
      seed: MAX_SEED,
    };
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

  it("what is empty is left out, but where it takes the place of something", () => {
    const fields = { context: "", hotwords: [], customId: "" };
    expect(writeHeaders(fields)).toEqual([]);
    const pairs = writeHeaders(fields, { empty: "kept" });
    expect(pairs.map(([name]) => name)).toEqual(["Parlance-Context", "Parlance-Hotwords"]);
    expect(readHeaders(dropHeadersSchema, headers(pairs))).toMatchObject({ context: "", hotwords: [] });
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
