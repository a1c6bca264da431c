/**
 * The durable's loop. Many messages are held at once, so that a request which comes behind long files is seen and served
 * before them; each is kept alive with `working()` until it has its outcome.
 *
 * When everything that may be held is held and nothing moves (files of hours, a full queue), the newest messages that have not begun
 * are given back for a while, to look for urgent ones among those that follow.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, type Delivery, watchOutcomeRoom } from "@parlance/bus";
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
    delivery: Delivery,
    batch: IntakeBatch | undefined,
    options: { signal: AbortSignal; begun: () => void },
  ): Promise<void>;
  /** Messages held at once. Default 64. */
  mostHeld?: number;
  /** Milliseconds without any outcome after which messages are given back. Default 2 000. */
  stallMs?: number;
}

interface Held {
  delivery: Delivery;
  urgent: boolean;
  begun: boolean;
  controller: AbortController;
  work: Promise<void>;
}

const MOST_PULLED = 16;
const PULL_WAIT_MS = 20_000;
/** The server waits 30 s for a sign of life. */
const WORKING_EVERY_MS = 8_000;
const GIVEN_BACK_FOR_MS = 60_000;

/** Runs until the signal aborts; then gives everything back that has no outcome yet. */
export async function runIntakeLoop(options: IntakeLoopOptions): Promise<void> {
  const { bus, log, signal, handle, mostHeld = 64, stallMs = 2_000 } = options;
  const held = new Map<number, Held>();
  const hasOutcomeRoom = watchOutcomeRoom(bus);
  let finished: () => void = () => undefined;

  const alive = setInterval(() => {
    for (const { delivery } of held.values()) delivery.working();
  }, WORKING_EVERY_MS);

  function start(delivery: Delivery): void {
    // A sign of life came too late (the process was stopped for a while): the work goes on, and its ack is as good.
    if (held.has(delivery.seq)) return;
    const batch = readIntake(delivery);
    const controller = new AbortController();
    const entry: Held = {
      delivery,
      urgent: batch !== undefined && batch.lane !== "batch",
      begun: false,
      controller,
      work: Promise.resolve(),
    };
    held.set(delivery.seq, entry);
    const begun = () => {
      entry.begun = true;
    };
    entry.work = handle(delivery, batch, { signal: controller.signal, begun }).finally(() => {
      held.delete(delivery.seq);
      finished();
    });
  }

  async function giveBack(entries: readonly Held[], delayMs: number): Promise<void> {
    for (const { controller } of entries) controller.abort(new Error("given back"));
    await Promise.all(entries.map(({ work }) => work));
    for (const { delivery } of entries) delivery.nak(delayMs);
  }

  /** Resolves when a message has its outcome, and to whether one had before the time was over. */
  async function outcomeWithin(milliseconds: number): Promise<boolean> {
    const timer = new AbortController();
    const outcome = new Promise<boolean>((resolve) => {
      finished = () => resolve(true);
    });
    const stop = AbortSignal.any([signal, timer.signal]);
    const late = pause(milliseconds, false, { signal: stop }).catch(() => false);
    const result = await Promise.race([outcome, late]);
    timer.abort();
    return result;
  }

  try {
    while (!signal.aborted) {
      const room = mostHeld - held.size;
      if (room <= 0) {
        if ((await outcomeWithin(stallMs)) || signal.aborted) continue;
        const idle = [...held.values()].filter((entry) => !entry.begun && !entry.urgent);
        await giveBack(idle.slice(-Math.ceil(idle.length / 2)), GIVEN_BACK_FOR_MS);
        continue;
      }
      if (!(await hasOutcomeRoom())) {
        await pause(1_000, undefined, { signal }).catch(() => undefined);
        continue;
      }
      try {
        const request = { stream: streams.intake, durable: durables.ingest, waitMs: PULL_WAIT_MS, signal };
        for (const delivery of await bus.pull({ ...request, max: Math.min(room, MOST_PULLED) })) start(delivery);
      } catch (error) {
        if (signal.aborted) break;
        log.warn({ err: error }, "pulling intake failed; trying again");
        await pause(1_000, undefined, { signal }).catch(() => undefined);
      }
    }
  } finally {
    await giveBack([...held.values()], 0);
    clearInterval(alive);
  }
}
