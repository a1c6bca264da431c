/**
 * The sound of a segment in the `files` bucket, stored before the result that names it. What is there already stays: a job that
 * runs again after its worker died must not take the sound away under whoever reads it.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { FileInfo, FileStore } from "@parlance/bus";
import { BYTES_PER_SAMPLE, type JobAddress, SpeechError, segmentFileId } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";

export type StoreSpeech = (address: JobAddress, pcm: Uint8Array) => Promise<{ id: string; samples: number }>;

export interface StoreSpeechOptions {
  files: FileStore;
  log: Log;
  /** How long a full bucket, or a server that is away, is waited for. Default two minutes: a janitor makes room meanwhile. */
  timeoutMs?: number;
}

const PAUSE_MS = 2_000;

/** Throws `storage_full` or `bus_unavailable` when the time is over. */
export function createStoreSpeech({ files, log, timeoutMs = 120_000 }: StoreSpeechOptions): StoreSpeech {
  async function store(id: string, pcm: Uint8Array): Promise<FileInfo> {
    const there = await files.info(id);
    if (there !== undefined) return there;
    const file = { id, contentType: "audio/pcm", filename: id, maxBytes: pcm.byteLength };
    return await files.put(
      file,
      (async function* () {
        yield pcm;
      })(),
    );
  }

  return async ({ batchId, itemId, n }, pcm) => {
    const id = segmentFileId(batchId, itemId, n);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        const { bytes } = await store(id, pcm);
        return { id, samples: bytes / BYTES_PER_SAMPLE };
      } catch (error) {
        const passing = error instanceof SpeechError && error.retryable && error.code !== "internal";
        if (!passing || performance.now() + PAUSE_MS > deadline) throw error;
        log.warn({ err: error, file: id }, "a spoken segment cannot be stored; waiting");
        await pause(PAUSE_MS);
      }
    }
  };
}
