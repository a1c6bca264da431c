/** Batches that nobody wants any more, followed in the `batches` bucket. */
import type { Bus } from "@parlance/bus";
import { batchKeys, buckets } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";

export interface CancelledBatches {
  has(batchId: string): boolean;
}

const RETRY_MS = 1_000;

export function followCancelled(
  bus: Bus,
  options: { onCancelled(batchId: string): void; log: Log; signal: AbortSignal },
): CancelledBatches {
  const { onCancelled, log, signal } = options;
  const cancelled = new Set<string>();
  const prefix = batchKeys.cancelled("");

  async function follow(): Promise<void> {
    const bucket = await bus.bucket(buckets.batches);
    for await (const event of bucket.watch(batchKeys.cancelled("*"), signal)) {
      const batchId = event.key.slice(prefix.length);
      if (event.kind === "gone") cancelled.delete(batchId);
      else {
        cancelled.add(batchId);
        onCancelled(batchId);
      }
    }
  }

  void (async () => {
    while (!signal.aborted) {
      await follow().catch((error) => {
        if (!signal.aborted) log.warn({ err: error }, "following cancelled batches failed; trying again");
      });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
  })();

  return { has: (batchId) => cancelled.has(batchId) };
}
