import type { FileInfo, FileStore } from "@parlance/bus";
import { SpeechError } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { expect, test } from "vitest";
import { createStoreSpeech } from "./store-speech.ts";

const address = { operation: "custom_voice" as const, lane: "batch" as const, batchId: "b", itemId: "i", n: 2 };
const log = createLog("test", "silent");

/** Only what storing needs of a bucket. */
function bucket(refuse?: SpeechError) {
  const stored = new Map<string, FileInfo>();
  const files: Pick<FileStore, "info" | "put"> = {
    info: async (id) => stored.get(id),
    async put({ id, contentType, filename }, content) {
      if (refuse !== undefined) throw refuse;
      let bytes = 0;
      for await (const part of content) bytes += part.byteLength;
      const info = { id, bytes, contentType, filename, createdAt: 1 };
      stored.set(id, info);
      return info;
    },
  };
  return { stored, files: files as FileStore };
}

test("the sound is stored under the segment's own name, and what is there stays", async () => {
  const { stored, files } = bucket();
  const store = createStoreSpeech({ files, log });
  expect(await store(address, new Uint8Array(8))).toEqual({ id: "segment_b.i.2", samples: 4 });
  expect(await store(address, new Uint8Array(20))).toEqual({ id: "segment_b.i.2", samples: 4 });
  expect(stored.get("segment_b.i.2")?.bytes).toBe(8);
});

test("what time may heal is waited for, anything else is told at once", async () => {
  const began = performance.now();
  const full = createStoreSpeech({ files: bucket(new SpeechError("storage_full")).files, log, timeoutMs: 0 });
  await expect(full(address, new Uint8Array(2))).rejects.toMatchObject({ code: "storage_full" });
  const broken = createStoreSpeech({ files: bucket(new SpeechError("internal")).files, log });
  await expect(broken(address, new Uint8Array(2))).rejects.toMatchObject({ code: "internal" });
  expect(performance.now() - began).toBeLessThan(1_000);
});
