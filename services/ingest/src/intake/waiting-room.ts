/**
 * Where texts wait that nobody can judge yet, because no worker has ever said what it can do: in a stream of their own, WAITING.
 * In INTAKE they would hold places that others need, be delivered again and again, and keep what was finished behind them.
 *
 * moved from INTAKE (stored here, then acknowledged there) → taken in again once a worker is known, or their batch is cancelled
 * → removed. A message that is moved twice, or taken in by two instances, is the same one: its subject holds its sequence in
 * INTAKE, by which it owns its batch.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, type Delivery, originalHeaders } from "@parlance/bus";
import { parseWaitingSubject, streams, subjects } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";

/** Resolves when the message is stored here: it can then be acknowledged. Throws when the room is full, or the message too large. */
export async function letWait(bus: Bus, delivery: Delivery): Promise<void> {
  const { subject, seq, time, headers, data } = delivery;
  await bus.publishOnce(subjects.waiting(subject, seq, time), data, { headers: originalHeaders(headers), first: true });
}

export interface WaitingRoomOptions {
  bus: Bus;
  log: Log;
  signal: AbortSignal;
  /** Whether a worker has said what it can do. */
  isWorkerKnown(): Promise<boolean>;
  isCancelled(batchId: string): boolean;
  /** Works on a message until its outcome. Never throws. */
  handle(delivery: Delivery): Promise<void>;
  /** Milliseconds between two looks. Default 1 000. */
  lookEveryMs?: number;
}

const AT_ONCE = 8;
/** Without a worker only cancels can end the waiting: they are looked for every so many rounds. */
const ROUNDS_WITHOUT_WORKER = 15;

/** Runs until the signal aborts. */
export async function runWaitingRoom(options: WaitingRoomOptions): Promise<void> {
  const { bus, log, signal, lookEveryMs = 1_000 } = options;
  for (let round = 0; !signal.aborted; round += 1) {
    try {
      if ((await bus.streamState(streams.waiting)).messages > 0) {
        const known = await options.isWorkerKnown();
        if (known || round % ROUNDS_WITHOUT_WORKER === 0) await takeIn(known, options);
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "looking after what waits failed; trying again");
    }
    await pause(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

async function takeIn(known: boolean, { bus, log, signal, isCancelled, handle }: WaitingRoomOptions): Promise<void> {
  const waiting = [...(await bus.countSubjects(streams.waiting, "speech.waiting.>")).keys()]
    .flatMap((place) => {
      const parsed = parseWaitingSubject(place);
      return parsed === undefined || !(known || isCancelled(parsed.batchId)) ? [] : [{ place, ...parsed }];
    })
    .sort((a, b) => a.seq - b.seq)
    .values();

  async function work(): Promise<void> {
    for (const { place, subject, seq, time } of waiting) {
      if (signal.aborted) return;
      const stored = await bus.last(streams.waiting, place);
      if (stored === undefined) continue;
      const remove = async () => {
        await bus.purgeSubject(streams.waiting, place);
      };
      await handle({
        ...stored,
        subject,
        seq,
        time,
        // It was delivered before: what is published of it is looked for.
        deliveries: 2,
        pending: 0,
        ack: remove,
        // It stays where it is, and comes again with the next look.
        nak: () => undefined,
        working: () => undefined,
        term() {
          remove().catch((error: unknown) => log.debug({ err: error }, "a message that waited comes again"));
        },
      });
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
