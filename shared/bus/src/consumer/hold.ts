/**
 * The messages that this process has taken and not settled, and the server informed of them.
 *
 *   held      from its delivery on; the server hears every third of its ack timer that it is being worked on
 *   settled   acknowledged, given back or put aside, whichever came first: it is held no longer
 *   lapsed    the server has not heard of it for a whole timer, because this process was stopped. It is somebody else's by now, so
 *             nothing more is said of it. Whoever works on it may go on: an acknowledgement is as good, and if it comes here again
 *             it is the same message, held as before
 *
 * A message that is delivered again while it is held is not a second one: the newest delivery is the one that is settled.
 */
import type { Delivery } from "../streams/messages.ts";

export interface Held extends Delivery {
  /** Whether it was settled, or let go. */
  readonly settled: boolean;
  /** No longer held, and nothing is said: the server delivers it again when its timer is over. */
  letGo(): void;
}

export interface Hold {
  readonly size: number;
  /** Undefined when it is held already. */
  take(delivery: Delivery): Held | undefined;
  /** Nothing is held any more. */
  close(): void;
}

/** Milliseconds that never jump. */
export interface HoldClock {
  now(): number;
  /** Calls back at `at` or soon after. Returns how to cancel. */
  schedule(at: number, call: () => void): () => void;
}

export interface HoldOptions {
  /** The server delivers a message again when it has not heard of it for so many milliseconds. */
  ackWaitMs: number;
  /** It is still held: whoever has not begun with it lets it go. */
  onLapsed?: ((held: Held) => void) | undefined;
  clock?: HoldClock | undefined;
}

const systemClock: HoldClock = {
  now: () => performance.now(),
  schedule(at, call) {
    const timer = setTimeout(call, Math.max(0, Math.ceil(at - performance.now())));
    return () => clearTimeout(timer);
  },
};

interface Entry {
  held: Held;
  /** The newest one. */
  delivery: Delivery;
  /** When the server last heard of it. */
  heardAt: number;
  toldLapsed: boolean;
}

export function createHold({ ackWaitMs, onLapsed, clock = systemClock }: HoldOptions): Hold {
  const entries = new Map<number, Entry>();
  let cancel: (() => void) | undefined;

  function isOurs({ heardAt }: Entry): boolean {
    return clock.now() - heardAt < ackWaitMs;
  }

  function tellWorking(): void {
    cancel = undefined;
    for (const entry of entries.values()) {
      if (isOurs(entry)) {
        entry.delivery.working();
        entry.heardAt = clock.now();
      } else if (!entry.toldLapsed) {
        entry.toldLapsed = true;
        onLapsed?.(entry.held);
      }
    }
    schedule();
  }

  /** No timer ticks while nothing is held. */
  function schedule(): void {
    if (entries.size > 0) cancel ??= clock.schedule(clock.now() + ackWaitMs / 3, tellWorking);
  }

  function hold(first: Delivery): Held {
    const { subject, headers, data, seq, time } = first;

    function letGo(): void {
      if (entries.get(seq) === entry) entries.delete(seq);
    }

    const held: Held = {
      subject,
      headers,
      data,
      seq,
      time,
      get deliveries() {
        return entry.delivery.deliveries;
      },
      get pending() {
        return entry.delivery.pending;
      },
      get settled() {
        return entries.get(seq) !== entry;
      },
      async ack() {
        try {
          await entry.delivery.ack();
        } finally {
          letGo();
        }
      },
      nak(delayMs) {
        if (!held.settled && isOurs(entry)) entry.delivery.nak(delayMs);
        letGo();
      },
      working() {
        if (!isOurs(entry)) return;
        entry.delivery.working();
        entry.heardAt = clock.now();
      },
      term(reason) {
        entry.delivery.term(reason);
        letGo();
      },
      letGo,
    };
    const entry: Entry = { held, delivery: first, heardAt: clock.now(), toldLapsed: false };
    entries.set(seq, entry);
    return held;
  }

  return {
    get size() {
      return entries.size;
    },
    take(delivery) {
      const known = entries.get(delivery.seq);
      if (known === undefined) {
        const held = hold(delivery);
        schedule();
        return held;
      }
      known.delivery = delivery;
      known.heardAt = clock.now();
      known.toldLapsed = false;
      return undefined;
    },
    close() {
      cancel?.();
      cancel = undefined;
      entries.clear();
    },
  };
}
