/** Submitting to the queue and waiting for all of it. */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchStatus } from "@parlance/contracts";
import type { RestClient } from "./rest-client.ts";

/** Resolves when every item is done or failed. Throws after `limitMs`. */
export async function untilFinished(
  client: RestClient,
  batchId: string,
  limitMs: number,
  onStatus: (status: BatchStatus) => void = () => {},
): Promise<BatchStatus> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const status = await client.status(batchId);
    onStatus(status);
    if (status.completed + status.failed === status.total) return status;
    if (Date.now() > deadline) {
      throw new Error(
        `batch ${batchId}: ${status.completed + status.failed} of ${status.total} after ${limitMs / 1_000} s`,
      );
    }
    await pause(250);
  }
}
