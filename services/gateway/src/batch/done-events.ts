/** Waits for the done events of one batch. */
import type { Bus } from "@parlance/bus";
import { type ItemDone, itemDoneSchema, parseDoneSubject, SpeechError, subjects } from "@parlance/contracts";
import { followSubject } from "./follow-subject.ts";

export interface DoneEvents {
  /** Resolves when the server knows of the subscription. */
  ready: Promise<void>;
  /** Item id → its done event, once `total` of them are there. Throws `request_timeout`, or the signal's reason. */
  wait(total: number, timeoutMs: number, signal: AbortSignal): Promise<ReadonlyMap<string, ItemDone>>;
  close(): void;
}

export function listenForDone(bus: Bus, batchId: string): DoneEvents {
  const done = new Map<string, ItemDone>();
  let onDone: () => void = () => undefined;
  const followed = followSubject(bus, subjects.batchDone(batchId), ({ subject, data }) => {
    const itemId = parseDoneSubject(subject)?.itemId;
    if (itemId === undefined || done.has(itemId)) return;
    done.set(itemId, itemDoneSchema.parse(JSON.parse(Buffer.from(data).toString())));
    onDone();
  });

  return {
    ready: followed.ready,
    wait(total, timeoutMs, signal) {
      return new Promise((resolve, reject) => {
        const stopLooking = followed.keepLooking();
        const timeout = setTimeout(() => finish(new SpeechError("request_timeout")), timeoutMs);
        const onAbort = () => finish(signal.reason);
        onDone = () => {
          if (done.size >= total) finish();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        onDone();
        if (signal.aborted) onAbort();

        function finish(error?: unknown): void {
          stopLooking();
          clearTimeout(timeout);
          signal.removeEventListener("abort", onAbort);
          onDone = () => undefined;
          if (error === undefined) resolve(done);
          else reject(error);
        }
      });
    },
    close: followed.close,
  };
}
