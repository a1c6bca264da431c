/**
 * What happens to the keys of a bucket. Every write is a message on the key's subject too, heard by whoever subscribes: it tells
 * that there is something to see, at once. What there is, and in which order, is read from the stream, by its sequence: a write
 * that was heard may have been refused, and a message that is missed never comes again. So the stream is also read after every
 * reconnect, and now and then; and what has expired, which no message tells, is found missing.
 */
import type { Link } from "../link/link.ts";
import { refusal } from "../link/server-error.ts";
import { askInfo } from "../link/stream-info.ts";
import type { MessageHeaders, StoredMessage } from "../streams/messages.ts";
import { readStream } from "../streams/read.ts";
import { askLeader } from "../streams/stored-message.ts";

/** A message on a key's subject, or that the key is gone. */
export type KeyChange = { kind: "put"; message: StoredMessage } | { kind: "gone"; subject: string; revision: number };

export interface WatchOptions {
  signal: AbortSignal;
  /** Milliseconds between two looks at everything. Default 15 000. */
  lookMs?: number | undefined;
}

const LOOK_MS = 15_000;
/** A subscription reaches the other servers of a cluster a little later than this one's. */
const FIRST_LOOK_MS = 1_000;
/** A write is heard before it is stored: how long after each look in vain the next one follows. */
const STORED_AFTER_MS = [5, 20, 80, 320, 1_000];

/** A delete or purge marker of a client, or the server's own for what has expired. */
export function isGone(headers: MessageHeaders): boolean {
  const operation = headers.get("KV-Operation");
  return operation === "DEL" || operation === "PURGE" || headers.has("Nats-Marker-Reason");
}

export async function* watchKeys(
  link: Link,
  stream: string,
  subject: string,
  { signal, lookMs = LOOK_MS }: WatchOptions,
): AsyncGenerator<KeyChange, void> {
  /** Its subject → revision, of what was told and is not gone. */
  const known = new Map<string, number>();
  let nextSeq = 1;
  const ear = listen(link, subject, signal);
  try {
    for (let lookAgainMs = FIRST_LOOK_MS; !signal.aborted && !link.closed; ) {
      if (ear.takeReconnect()) lookAgainMs = FIRST_LOOK_MS;
      for (const gone of await vanished()) {
        yield { kind: "gone", subject: gone, revision: known.get(gone) ?? 0 };
        known.delete(gone);
      }
      for await (const message of readStream(link, { stream, subject, fromSeq: nextSeq, signal })) yield take(message);

      const lookAt = performance.now() + Math.min(lookAgainMs, lookMs);
      lookAgainMs = Math.min(lookAgainMs * 2, lookMs);
      let inVain = 0;
      while (await ear.hears(lookAt)) {
        const heard = ear.heard();
        for (let next = await nextWritten(); next !== undefined; next = await nextWritten()) {
          ear.settle(1);
          yield take(next);
        }
        const pauseMs = STORED_AFTER_MS[inVain];
        if (pauseMs === undefined) ear.settle(heard);
        inVain = ear.heard() === 0 || pauseMs === undefined || (await ear.hearsMore(pauseMs)) ? 0 : inVain + 1;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ear.close();
  }

  function take(message: StoredMessage): KeyChange {
    const { subject, seq: revision } = message;
    nextSeq = revision + 1;
    if (isGone(message.headers)) {
      known.delete(subject);
      return { kind: "gone", subject, revision };
    }
    known.set(subject, revision);
    return { kind: "put", message };
  }

  async function nextWritten(): Promise<StoredMessage | undefined> {
    return await askLeader(link, stream, { next_by_subj: subject, seq: nextSeq }, { signal });
  }

  /** Keys that the leader no longer has. One that has not come as far as what was seen has no say. */
  async function vanished(): Promise<string[]> {
    if (known.size === 0) return [];
    const { state } = await askInfo(link, stream, { subject, signal });
    if (state.last_seq < nextSeq - 1) return [];
    const present = state.subjects ?? {};
    return [...known.keys()].filter((name) => !(name in present));
  }
}

/** Hears that something is written, and that the connection has come back. */
function listen(link: Link, subject: string, signal: AbortSignal) {
  let heard = 0;
  let more = false;
  let reconnected = false;
  let failure: unknown;
  let wake: (() => void) | undefined;
  const waking = () => wake?.();
  const subscription = link.nc.subscribe(subject, {
    callback: (error) => {
      if (error) failure = refusal(error, `Watching ${subject}`) ?? error;
      else heard++;
      more = true;
      waking();
    },
  });
  const stopWatching = link.onConnection((connected) => {
    reconnected ||= connected;
    waking();
  });
  signal.addEventListener("abort", waking);

  async function until(time: number, isOver: () => boolean): Promise<void> {
    for (;;) {
      const left = time - performance.now();
      if (left <= 0 || isOver() || reconnected || failure !== undefined || signal.aborted || link.closed) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
    }
    if (failure !== undefined) throw failure;
  }

  return {
    /** True as soon as there is something that was heard and not settled; false when it is time to look at everything. */
    async hears(lookAt: number): Promise<boolean> {
      await until(lookAt, () => heard > 0);
      return heard > 0 && performance.now() < lookAt && !reconnected && !signal.aborted && !link.closed;
    },
    /** Whether anything new is heard within the time. */
    async hearsMore(ms: number): Promise<boolean> {
      more = false;
      await until(performance.now() + ms, () => more);
      return more;
    },
    /** Writes that nothing seen accounts for. */
    heard: () => heard,
    /** So many writes were seen, or are not worth waiting for: refused, or overwritten. */
    settle(writes: number): void {
      heard = Math.max(0, heard - writes);
    },
    takeReconnect(): boolean {
      const was = reconnected;
      reconnected = false;
      return was;
    },
    close() {
      subscription.unsubscribe();
      stopWatching();
      signal.removeEventListener("abort", waking);
    },
  };
}
