/**
 * How many intake messages are held, and which go first. Many are held at once, so that a request which comes behind long files is seen
 * and served before them; each is held until it has its outcome (the bus's consumer).
 *
 * When everything that may be held is held and nothing moves (files of hours, a full queue), the newest messages that have not begun
 * are given back for a while, to look for urgent ones among those that follow.
 */
import { once } from "node:events";
import { type Bus, createConsumer, type Held, watchOutcomeRoom } from "@parlance/bus";
import { durables, streams } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { IntakeBatch } from "./intake-batch.ts";
import { readIntake } from "./read-intake.ts";

export interface IntakeLoopOptions {
  bus: Bus;
  log: Log;
  signal: AbortSignal;
  /** Works on a message until its outcome. Never throws. When `signal` aborts, the message is not its own any more. */
  handle(
    delivery: Held,
    batch: IntakeBatch | undefined,
    options: { signal: AbortSignal; begun: () => void },
  ): Promise<void>;
  /** Messages held at once. Default 64. */
  mostHeld?: number;
  /** Milliseconds without any outcome after which messages are given back. Default 2 000. */
  stallMs?: number;
}

interface Work {
  held: Held;
  urgent: boolean;
  begun: boolean;
  controller: AbortController;
  done: Promise<void>;
}

const MOST_PULLED = 16;
/** While nearly all places are taken, so long is waited for more of them to come free, or each pull would bring one message. */
const GATHER_MS = 10;
const GIVEN_BACK_FOR_MS = 60_000;

/** Runs until the signal aborts; then gives everything back that has no outcome yet. */
export async function runIntakeLoop(options: IntakeLoopOptions): Promise<void> {
  const { bus, log, signal, handle, mostHeld = 64, stallMs = 2_000 } = options;
  const works = new Set<Work>();
  let stalled: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;
  /** It was waited for, since messages last came. */
  let gathered = true;

  function start(held: Held): void {
    const batch = readIntake(held);
    const controller = new AbortController();
    const urgent = batch !== undefined && batch.lane !== "batch";
    const work: Work = { held, urgent, begun: false, controller, done: Promise.resolve() };
    const begun = () => {
      work.begun = true;
    };
    works.add(work);
    work.done = handle(held, batch, { signal: controller.signal, begun }).finally(() => {
      works.delete(work);
      // Whatever it was given back for has been said by now.
      if (!controller.signal.aborted) held.letGo();
      watchForStall();
      consumer.poke();
    });
  }

  function room(): number {
    const free = mostHeld - works.size;
    if (free <= 0 || free >= MOST_PULLED || gathered) return Math.min(free, MOST_PULLED);
    gathering ??= setTimeout(() => {
      gathering = undefined;
      gathered = true;
      consumer.poke();
    }, GATHER_MS);
    return 0;
  }

  async function giveBack(some: readonly Work[], delayMs: number): Promise<void> {
    for (const { controller } of some) controller.abort(new Error("given back"));
    await Promise.all(some.map(({ done }) => done));
    for (const { held } of some) held.nak(delayMs);
  }

  /** Begins anew with each outcome. */
  function watchForStall(): void {
    clearTimeout(stalled);
    if (works.size < mostHeld || signal.aborted) return;
    stalled = setTimeout(() => {
      const idle = [...works].filter(({ begun, urgent }) => !begun && !urgent);
      void giveBack(idle.slice(-Math.ceil(idle.length / 2)), GIVEN_BACK_FOR_MS);
      watchForStall();
    }, stallMs);
  }

  const consumer = createConsumer({
    bus,
    sources: [
      {
        stream: streams.intake,
        durable: durables.ingest,
        room,
      },
    ],
    accept(messages) {
      gathered = false;
      for (const held of messages) start(held);
      watchForStall();
    },
    mayBegin: watchOutcomeRoom(bus),
    log,
  });
  if (!signal.aborted) await once(signal, "abort");
  await consumer.stop();
  clearTimeout(stalled);
  clearTimeout(gathering);
  await giveBack([...works], 0);
  consumer.close();
}
