import { jobHeadersSchema, seedOf, voiceIdOf } from "@parlance/contracts";
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

test("a clone is told what it imitates, and not by which name it is stored", () => {
  const id = "0f".repeat(32);
  const voice = voiceIdOf("Anna");
  const job = toEngineJob(content(text, { reference: id, referenceText: "hm", speed: "0.5", seed: "7", voice }));
  const meta = textMetaSchema.parse(job.meta);
  expect(meta).toMatchObject({ text: "Größe", speed: 0.5, seed: 7, reference: { id, text: "hm" } });
  expect(meta.voice).toBeUndefined();
  expect(job.payload.length).toBe(0);
});

test("a recording is read wherever it lies in memory", () => {
  const samples = Int16Array.of(1, -2, 30_000);
  const odd = new Uint8Array([0, ...new Uint8Array(samples.buffer)]).subarray(1);
  const reference = { id: "0f".repeat(32), text: "hm" };
  expect(referenceOf(odd, reference)).toEqual({ ...reference, samples, sampleRate: 24_000 });
  expect(referenceOf(odd, undefined)).toBeUndefined();
});

test("where a job has no seed it is the one that follows from its item", () => {
  expect(textMetaSchema.parse(toEngineJob(content(text)).meta).seed).toBe(seedOf("b", "i"));
});

test.each([
  ["an empty payload", new Uint8Array()],
  ["a text that is not UTF-8", Uint8Array.of(0xff, 0xfe)],
])("%s is no job", (_name, payload) => {
  expect(() => toEngineJob(content(payload))).toThrow(expect.objectContaining({ code: "job_invalid" }));
});
