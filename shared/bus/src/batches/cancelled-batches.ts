/**
 * Which batches nobody wants any more. The key of a cancelled batch is the whole request: it is watched, and read again after a restart,
 * so a cancel outlives every process. Whoever works on a batch is stopped; what is left of it is concluded by the results service.
 */
import { setTimeout as pause } from "node:timers/promises";
import { SpeechError } from "@parlance/contracts";
import type { KeyBucket } from "../keys/key-bucket.ts";
import type { BusLog } from "../link/link.ts";

export interface CancelledBatches {
  has(batchId: string): boolean;
  /** Aborts when the batch is, or was, cancelled. `leave` when the work is over. */
  enter(batchId: string): { signal: AbortSignal; leave(): void };
  /** Resolves when the watch has ended with its signal. */
  readonly ended: Promise<void>;
}

export interface FollowOptions {
  log: BusLog;
  signal: AbortSignal;
  /** For each batch that is there, then for each new one; the next is told when this has resolved. Must not throw. */
  onCancelled?(batchId: string): void | Promise<void>;
  /** The request is gone: its time is over, or it was taken back. */
  onForgotten?(batchId: string): void;
}

const RETRY_MS = 1_000;

/** @param requests `batchEntries.cancelled`: watched by the notebook's one way to do it */
export function followCancelled(requests: Pick<KeyBucket<unknown>, "watch">, options: FollowOptions): CancelledBatches {
  const { log, signal, onCancelled, onForgotten } = options;
  const cancelled = new Set<string>();
  const working = new Map<string, Set<AbortController>>();

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const { kind, key: batchId } of requests.watch("*", signal)) {
          if (kind === "put") await cancel(batchId);
          else {
            cancelled.delete(batchId);
            onForgotten?.(batchId);
          }
        }
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, "following cancelled batches failed; trying again");
      }
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async function cancel(batchId: string): Promise<void> {
    cancelled.add(batchId);
    for (const controller of working.get(batchId) ?? []) controller.abort(new SpeechError("cancelled"));
    await onCancelled?.(batchId);
  }

  return {
    ended: follow(),
    has: (batchId) => cancelled.has(batchId),
    enter(batchId) {
      const controller = new AbortController();
      if (cancelled.has(batchId)) controller.abort(new SpeechError("cancelled"));
      const others = working.get(batchId) ?? new Set();
      working.set(batchId, others.add(controller));
      return {
        signal: controller.signal,
        leave() {
          others.delete(controller);
          if (others.size === 0 && working.get(batchId) === others) working.delete(batchId);
        },
      };
    },
  };
}
