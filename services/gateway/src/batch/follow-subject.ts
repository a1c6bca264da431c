/**
 * What is stored under a subject, followed. A live subscription, made before anything is published, brings messages at
 * once. The stream is read after every reconnect, and now and then, because a live message that is missed never comes
 * again.
 */
import type { Bus } from "@parlance/bus";
import { streams } from "@parlance/contracts";

const FIRST_LOOK_MS = 2_000;
const LONGEST_LOOK_MS = 15_000;

export interface FollowedSubject {
  /** Resolves when the server knows of the subscription. */
  ready: Promise<void>;
  /** Reads the stream now and then, until what it returns is called. */
  keepLooking(): () => void;
  close(): void;
}

/**
 * `take` gets every message of RESULTS under the subject, some of them twice, in no order.
 *
 * @param read what may have been missed; by default all that is stored under the subject.
 */
export function followSubject(
  bus: Bus,
  subject: string,
  take: (message: { subject: string; data: Uint8Array }) => void,
  read: (signal: AbortSignal) => AsyncIterable<{ subject: string; data: Uint8Array }> = (signal) =>
    bus.read({ stream: streams.results, subject, lastPerSubject: true, signal }),
): FollowedSubject {
  const closing = new AbortController();

  async function listen(): Promise<void> {
    for await (const message of bus.subscribe(subject, closing.signal)) take(message);
  }

  async function look(): Promise<void> {
    for await (const message of read(closing.signal)) take(message);
  }

  // A failed subscription or look leaves the other, and the next look.
  listen().catch(() => undefined);
  const ready = bus.flush();
  ready.catch(() => undefined);

  return {
    ready,
    keepLooking() {
      let nextMs = FIRST_LOOK_MS;
      const lookNow = () => {
        clearTimeout(looking);
        looking = setTimeout(lookNow, nextMs);
        nextMs = Math.min(nextMs * 2, LONGEST_LOOK_MS);
        look().catch(() => undefined);
      };
      let looking = setTimeout(lookNow, FIRST_LOOK_MS);
      const stopWatching = bus.onConnection((connected) => {
        if (!connected) return;
        // Of a cluster, servers that the message comes from may not know of the subscription yet.
        nextMs = FIRST_LOOK_MS;
        lookNow();
      });
      return () => {
        clearTimeout(looking);
        stopWatching();
      };
    },
    close: () => closing.abort(),
  };
}
