import { jobHeadersSchema, readHeaders, windowHeadersSchema, writeHeaders } from "@parlance/contracts";
import { expect, test } from "vitest";
import { segmentMetaSchema, toEngineJob, toEngineWindow, toHeard } from "./segment-job.ts";

/** Headers as they were on the wire. */
function jobHeaders(fields: Parameters<typeof writeHeaders>[0]) {
  const map = new Map(writeHeaders({ submittedAt: 1, last: true, ...fields }));
  return readHeaders(jobHeadersSchema, { get: (name) => map.get(name) ?? "", has: (name) => map.has(name) });
}

test("the engine is told all that a job's headers wish, whatever letters are in it", () => {
  const wishes = {
    language: "Haitian Creole",
    timestamps: true,
    hotwords: ["NATS", "Größe"],
    phrases: ["yes", "no"],
    context: 'Two lines,\nand "quoted" ones: 会议',
    translate: true,
    temperature: 0.25,
    logprobs: true,
  };
  const { meta, payload } = toEngineJob({ headers: jobHeaders(wishes), payload: new Uint8Array(4) });
  expect(meta).toEqual(wishes);
  expect(payload.byteLength).toBe(4);
  // It reaches the engine as JSON.
  expect(segmentMetaSchema.parse(JSON.parse(JSON.stringify(meta)))).toEqual(wishes);
});

test("a job without wishes has none", () => {
  const { meta, readsParts } = toEngineJob({ headers: jobHeaders({}), payload: new Uint8Array(2) });
  expect(meta).toEqual({
    ...{ language: "auto", timestamps: false, hotwords: [], phrases: [], context: "" },
    ...{ translate: false, temperature: 0, logprobs: false },
  });
  expect(readsParts).toBe(false);
});

test("a window goes to the engine with what is remembered of the one before, and what was heard comes back", () => {
  const memory = { stable: "Größe", tokens: [1, 2, null] };
  const map = new Map(writeHeaders({ item: "0", window: 3, deadline: Date.now(), parts: true, memory }));
  const headers = readHeaders(windowHeadersSchema, {
    get: (name) => map.get(name) ?? "",
    has: (name) => map.has(name),
  });
  const { meta, readsParts } = toEngineWindow({ headers, payload: new Uint8Array(4) });
  expect(readsParts).toBe(false);
  expect(segmentMetaSchema.parse(JSON.parse(JSON.stringify(meta))).window).toEqual({ memory });
  const first = toEngineWindow({ headers: { ...headers, memory: undefined }, payload: new Uint8Array(4) });
  expect(segmentMetaSchema.parse(JSON.parse(JSON.stringify(first.meta))).window).toEqual({});
  expect(() => toEngineWindow({ headers, payload: new Uint8Array(3) })).toThrow("16-bit");
  const heard = { stable: "eine", tail: "Größe", memory };
  expect(toHeard({ meta: { text: "eine Größe", heard, language: "German" } })).toEqual({
    ...heard,
    language: "German",
  });
  expect(() => toHeard({ meta: { text: "eine", language: "German" } })).toThrow("heard");
});
