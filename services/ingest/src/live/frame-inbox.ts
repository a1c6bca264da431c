/**
 * A session's frames in the order in which LIVE stored them, each once: as they come, and from the stream what came before, was missed or
 * did not fit here. The stream is read no faster than frames are taken, so memory is bounded whatever is sent.
 */
import type { Bus, FollowedMessage, StoredMessage } from "@parlance/bus";
import { SpeechError, streams } from "@parlance/contracts";

/** Of a frame, where LIVE stored it. Sequences begin again where the stream lost its memory; the time (ms) does not. */
export interface FramePosition {
  seq: number;
  time: number;
}

export interface FrameInbox {
  /** One that was heard of. False: it does not fit, and is read from the stream when there is room. */
  offer(message: FollowedMessage): boolean;
  /** The next one; undefined when none came until `performance.now()` is `until`. Rejects with the signal's reason. */
  next(until: number): Promise<StoredMessage | undefined>;
  /** Goes on with the first frame of the subject whose sequence is `seq` or later. */
  rewind(seq: number): void;
  /** Something may have come that nobody heard of: the connection was away. What was taken is not taken again. */
  lookAgain(): void;
  /** Ends a wait. */
  wake(): void;
  /** The newest that was taken. */
  readonly taken: FramePosition;
  /** `performance.now()` since when frames wait in the stream; undefined where none do. */
  readonly behindSince: number | undefined;
}

export interface FrameInboxOptions {
  bus: Pick<Bus, "read">;
  subject: string;
  signal: AbortSignal;
  /** Bytes and frames that wait here. */
  most: { bytes: number; frames: number };
}

const RETRY_MS = 500;

export function isUpTo({ seq, time }: FramePosition, newest: FramePosition): boolean {
  return seq <= newest.seq && time <= newest.time;
}

export function createFrameInbox({ bus, subject, signal, most }: FrameInboxOptions): FrameInbox {
  let queue: FollowedMessage[] = [];
  let bytes = 0;
  let taken: FramePosition = { seq: 0, time: 0 };
  /** What is in the stream behind it is not, or not all, in the queue. */
  let behind = false;
  let behindSince: number | undefined;
  let overflowing = false;
  /** The stream is read from its beginning: one that lost its memory counts from 1 again. */
  let fromFirst = false;
  let newest: FramePosition = { seq: 0, time: 0 };
  let offers = 0;
  /** `offers` when it began: what came since then it may not have seen. */
  let reading: { found: boolean; offers: number; messages: AsyncIterator<StoredMessage> } | undefined;
  let wake: (() => void) | undefined;
  signal.addEventListener("abort", () => wake?.(), { once: true });

  function readAgain(): void {
    behind = true;
    behindSince ??= performance.now();
    queue = [];
    bytes = 0;
  }

  /** Of the queue, where nothing is missing before it. */
  function fromQueue(): StoredMessage | undefined {
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      const old = isUpTo(head, taken);
      // A stream that lost its memory counts from 1 again.
      if (!old && head.seq <= taken.seq) taken = { seq: 0, time: taken.time };
      if (!old && head.before > taken.seq) {
        readAgain();
        return undefined;
      }
      queue.shift();
      bytes -= head.data.byteLength;
      if (!old) return take(head);
    }
    return undefined;
  }

  function take(message: StoredMessage): StoredMessage {
    taken = { seq: message.seq, time: message.time };
    return message;
  }

  async function fromStream(): Promise<StoredMessage | undefined> {
    try {
      reading ??= { found: false, offers, messages: readFrom(fromFirst ? 1 : taken.seq + 1) };
      const own = reading;
      const { value, done } = await own.messages.next();
      if (done !== true) {
        own.found = true;
        return isUpTo(value, taken) ? undefined : take(value);
      }
      // It was to be read from elsewhere meanwhile.
      if (reading !== own) return undefined;
      fromFirst = false;
      // The newest may be gone already: what the stream does not have is not asked for for ever.
      const unseen = offers !== own.offers && !isUpTo(newest, taken);
      behind = unseen || (own.found && newest.seq > taken.seq);
      // The stream lost its memory meanwhile.
      if (unseen && newest.seq <= taken.seq) taken = { seq: 0, time: taken.time };
      reading = undefined;
      if (!behind) {
        overflowing = false;
        behindSince = undefined;
      }
    } catch (error) {
      reading = undefined;
      signal.throwIfAborted();
      if (!(error instanceof SpeechError) || !error.retryable) throw error;
      await sleep(performance.now() + RETRY_MS);
    }
    return undefined;
  }

  function readFrom(fromSeq: number): AsyncIterator<StoredMessage> {
    return bus.read({ stream: streams.live, subject, fromSeq, signal })[Symbol.asyncIterator]();
  }

  async function sleep(until: number): Promise<void> {
    const left = until - performance.now();
    if (left <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(left, 2 ** 30));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wake = undefined;
  }

  return {
    offer(message) {
      newest = { seq: message.seq, time: message.time };
      offers += 1;
      const fits = bytes + message.data.byteLength <= most.bytes && queue.length < most.frames;
      if (!behind && fits) {
        queue.push(message);
        bytes += message.data.byteLength;
      } else if (!behind) {
        overflowing = true;
        readAgain();
      }
      wake?.();
      return !overflowing;
    },
    async next(until) {
      for (;;) {
        signal.throwIfAborted();
        const message = (behind ? undefined : fromQueue()) ?? (behind ? await fromStream() : undefined);
        if (message !== undefined) return message;
        if (behind) continue;
        if (queue.length > 0) continue;
        if (performance.now() >= until) return undefined;
        await sleep(until);
        signal.throwIfAborted();
        if (queue.length === 0 && !behind) return undefined;
      }
    },
    rewind(seq) {
      taken = { seq: seq - 1, time: 0 };
      reading = undefined;
      readAgain();
    },
    lookAgain() {
      fromFirst = true;
      reading = undefined;
      readAgain();
      wake?.();
    },
    wake: () => wake?.(),
    get taken() {
      return taken;
    },
    get behindSince() {
      return behindSince;
    },
  };
}
