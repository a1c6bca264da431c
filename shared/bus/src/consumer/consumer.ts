/**
 * The one way in which services take work from a durable: messages are pulled as there is room for them, held while they are worked on
 * (`hold.ts`), and settled. It promises that what was pulled reaches `accept`, that a message which is held is accepted once however
 * often it is delivered, and that its ack timer does not run out while this process lives.
 *
 *   room?  none: waits until it is poked  →  may anything be begun?  no: looks again in a second  →  one pull outstanding, which the
 *   server answers as soon as there is a message  →  held, accepted  →  room?
 *
 * A pull that fails is tried again after a second, for ever. Several durables may share one consumer: a pull for each is outstanding.
 * It keeps no state but what is held: whatever dies, the server delivers it again.
 */

import type { BusLog } from "../link/link.ts";
import type { Bus } from "../types.ts";
import { createHold, type Held, type Hold, type HoldClock } from "./hold.ts";

export interface ConsumerSource {
  stream: string;
  durable: string;
  /** How many more messages are wanted now; it is asked before each pull, and again when the consumer is poked. */
  room(): number;
}

export interface ConsumerOptions {
  bus: Pick<Bus, "pull" | "ackWait">;
  sources: readonly ConsumerSource[];
  /** What a pull brought, without what is held already. Each must come to be settled. Must not throw. */
  accept(held: Held[]): void;
  /** Nothing new is begun while this says no: its outcomes could not be stored. Default: always yes. */
  mayBegin?: (() => Promise<boolean>) | undefined;
  /** This process was stopped for so long that the message is somebody else's by now. */
  onLapsed?: ((held: Held) => void) | undefined;
  log: BusLog;
  clock?: HoldClock | undefined;
  /** Milliseconds after which the server forgets a pull, and is asked again. Default 30 000. */
  pullMs?: number | undefined;
}

export interface Consumer {
  /** Messages that are not settled. */
  readonly held: number;
  /** Room may have come. */
  poke(): void;
  /** Withdraws the outstanding pulls; what was on its way still arrives. Pulling goes on as there is room. */
  withdraw(): void;
  /** Ends pulling, and resolves when nothing is outstanding any more. What is held stays held. */
  stop(): Promise<void>;
  /** Lets go of what is still held. */
  close(): void;
}

const PULL_MS = 30_000;
const RETRY_MS = 1_000;

export function createConsumer(options: ConsumerOptions): Consumer {
  const { bus, sources, accept, mayBegin, onLapsed, log, clock, pullMs = PULL_MS } = options;
  let hold: Hold | undefined;
  const stopping = new AbortController();
  let outstanding = new AbortController();
  let wake = Promise.withResolvers<void>();

  function poke(): void {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  }

  /** What the durables say of themselves; of several the shortest. */
  async function openHold(): Promise<Hold> {
    const waits = await Promise.all(sources.map(({ stream, durable }) => bus.ackWait(stream, durable)));
    hold = createHold({ ackWaitMs: Math.min(...waits), onLapsed, clock });
    return hold;
  }

  async function keepPulling({ stream, durable, room }: ConsumerSource, hold: Hold): Promise<void> {
    let told = false;
    const tell = (fields: object, message: string) => {
      if (!told) log.warn({ ...fields, stream, durable }, message);
      told = true;
    };
    while (!stopping.signal.aborted) {
      const max = room();
      if (max <= 0) {
        await wake.promise;
        continue;
      }
      const { signal } = outstanding;
      if (mayBegin !== undefined && !(await mayBegin())) {
        tell({}, "there is no room for more outcomes; waiting");
        await retryPause(stopping.signal);
        continue;
      }
      try {
        const deliveries = await bus.pull({ stream, durable, max, waitMs: pullMs, signal });
        told = false;
        const taken = deliveries.flatMap((delivery) => hold.take(delivery) ?? []);
        if (taken.length > 0) accept(taken);
      } catch (error) {
        tell({ err: error }, "pulling failed; trying again");
        await retryPause(stopping.signal);
      }
    }
  }

  const pulling = openHold().then((hold) => Promise.all(sources.map((source) => keepPulling(source, hold))));

  function withdraw(): void {
    const before = outstanding;
    outstanding = new AbortController();
    before.abort();
  }

  return {
    get held() {
      return hold?.size ?? 0;
    },
    poke,
    withdraw,
    async stop() {
      stopping.abort();
      withdraw();
      poke();
      await pulling;
    },
    close: () => hold?.close(),
  };
}

function retryPause(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, RETRY_MS);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 32_000;

/** For how long a message is given back that has failed so many times: a second, doubled each time, 32 s at most. */
export function retryDelayMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1), LONGEST_RETRY_MS);
}
