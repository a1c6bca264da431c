import { jobHeadersSchema } from "@parlance/contracts";
import type { JobContent } from "@parlance/worker";
import { expect, test } from "vitest";
import { referenceOf, textMetaSchema, toEngineJob } from "./text-job.ts";

function content(payload: Uint8Array, headers: object = {}): JobContent {
  return {
    address: { operation: "voice_clone", lane: "batch", batchId: "b", itemId: "i", n: 0 },
    headers: jobHeadersSchema.parse({ submittedAt: "1", last: "true", ...headers }),
    publishedAt: 1,
    payload,
  };
}

const text = new TextEncoder().encode("Größe");

test("a text and the reference behind it come apart, whatever the text's length in bytes", () => {
  expect(text.length % 2).toBe(1);
  const samples = Int16Array.of(1, -2, 30_000);
  const payload = new Uint8Array([...text, ...new Uint8Array(samples.buffer)]);
  const job = toEngineJob(content(payload, { referenceSamples: "3", referenceText: "hm", speed: "0.5", voice: "slt" }));
  expect(textMetaSchema.parse(job.meta)).toMatchObject({
    text: "Größe",
    voice: "slt",
    speed: 0.5,
    referenceText: "hm",
  });
  expect(referenceOf(job.payload, "hm")).toEqual({ samples, sampleRate: 24_000, text: "hm" });
  expect(referenceOf(toEngineJob(content(text)).payload, undefined)).toBeUndefined();
});

test.each([
  ["an empty payload", new Uint8Array(), {}],
  ["a payload shorter than its reference", text, { referenceSamples: "4" }],
  ["a text that is not UTF-8", Uint8Array.of(0xff, 0xfe), {}],
])("%s is no job", (_name, payload, headers) => {
  expect(() => toEngineJob(content(payload, headers))).toThrow(expect.objectContaining({ code: "job_invalid" }));
});
