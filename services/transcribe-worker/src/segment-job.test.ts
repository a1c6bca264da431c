import { jobHeadersSchema, readHeaders, writeHeaders } from "@parlance/contracts";
import { expect, test } from "vitest";
import { segmentMetaSchema, toEngineJob } from "./segment-job.ts";

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
