/** Which batches are cancelled: one watch for all, so that asking costs nothing, and whoever works on a batch is stopped. */
import { setTimeout as pause } from "node:timers/promises";
import type { KeyBucket } from "@parlance/bus";
import { batchKeys, SpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";

export interface CancelledBatches {
  has(batchId: string): boolean;
  /** Aborts when the batch is, or was, cancelled. `leave` when the work is over. */
  enter(batchId: string): { signal: AbortSignal; leave(): void };
}

/** Ids to remember of batches that nobody works on yet. */
const MOST_REMEMBERED = 10_000;

export function watchCancelled(
  batches: KeyBucket,
  { log, signal }: { log: Log; signal: AbortSignal },
): CancelledBatches {
  const cancelled = new Set<string>();
  const working = new Map<string, Set<AbortController>>();
  const prefix = batchKeys.cancelled("");

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of batches.watch(batchKeys.cancelled("*"), signal)) {
          if (event.kind === "put") cancel(event.key.slice(prefix.length));
        }
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, "watching cancelled batches failed; trying again");
      }
      await pause(1_000, undefined, { signal }).catch(() => undefined);
    }
  }

  function cancel(batchId: string): void {
    cancelled.delete(batchId);
    cancelled.add(batchId);
    const [oldest] = cancelled;
    if (cancelled.size > MOST_REMEMBERED && oldest !== undefined) cancelled.delete(oldest);
    for (const controller of working.get(batchId) ?? []) controller.abort(new SpeechError("cancelled"));
  }

  void watch();
  return {
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
