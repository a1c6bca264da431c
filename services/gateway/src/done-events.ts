/**
 * Waits for the done events of one batch. A live subscription, made before the batch is published, brings them at once;
 * the stream is read after every reconnect, and now and then, because a live message that is missed never comes again.
 */
import type { Bus } from "@parlance/bus";
import { type ItemDone, itemDoneSchema, parseDoneSubject, SpeechError, streams, subjects } from "@parlance/contracts";

const FIRST_LOOK_MS = 2_000;
const LONGEST_LOOK_MS = 15_000;

export interface DoneEvents {
  /** Resolves when the server knows of the subscription. */
  ready: Promise<void>;
  /** Item id → its done event, once `total` of them are there. Throws `request_timeout`, or the signal's reason. */
  wait(total: number, timeoutMs: number, signal: AbortSignal): Promise<ReadonlyMap<string, ItemDone>>;
  close(): void;
}

export function listenForDone(bus: Bus, batchId: string): DoneEvents {
  const closing = new AbortController();
  const done = new Map<string, ItemDone>();
  let onDone: () => void = () => undefined;

  function take(message: { subject: string; data: Uint8Array }): void {
    const itemId = parseDoneSubject(message.subject)?.itemId;
    if (itemId === undefined || done.has(itemId)) return;
    done.set(itemId, itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString())));
    onDone();
  }

  async function listen(): Promise<void> {
    for await (const message of bus.subscribe(subjects.batchDone(batchId), closing.signal)) take(message);
  }

  async function look(): Promise<void> {
    const stored = bus.read({
      stream: streams.results,
      subject: subjects.batchDone(batchId),
      lastPerSubject: true,
      signal: closing.signal,
    });
    for await (const message of stored) take(message);
  }

  // A failed subscription or look leaves the other, and the next look.
  listen().catch(() => undefined);
  const ready = bus.flush();
  ready.catch(() => undefined);

  return {
    ready,
    wait(total, timeoutMs, signal) {
      return new Promise((resolve, reject) => {
        let lookMs = FIRST_LOOK_MS;
        let looking: NodeJS.Timeout;
        const lookNow = () => {
          clearTimeout(looking);
          lookMs = Math.min(lookMs * 2, LONGEST_LOOK_MS);
          looking = setTimeout(lookNow, lookMs);
          look().catch(() => undefined);
        };
        looking = setTimeout(lookNow, FIRST_LOOK_MS);
        const timeout = setTimeout(() => finish(new SpeechError("request_timeout")), timeoutMs);
        const stopWatching = bus.onConnection((connected) => {
          if (connected) lookNow();
        });
        const onAbort = () => finish(signal.reason);
        onDone = () => {
          if (done.size >= total) finish();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        onDone();
        if (signal.aborted) onAbort();

        function finish(error?: unknown): void {
          clearTimeout(looking);
          clearTimeout(timeout);
          stopWatching();
          signal.removeEventListener("abort", onAbort);
          onDone = () => undefined;
          if (error === undefined) resolve(done);
          else reject(error);
        }
      });
    },
    close: () => closing.abort(),
  };
}
