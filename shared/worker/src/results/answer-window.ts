/**
 * The end of a window: its answer is told to whoever sent it, and then its message is acknowledged. Nothing of it is kept, and it is
 * never tried again: who waits for it has a deadline, and sends the next one.
 */
import type { Bus, Held } from "@parlance/bus";
import { type Failure, type HeardWindow, subjects, toSpeechError, type WindowAnswer } from "@parlance/contracts";
import type { Json } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { SuspectUtterances } from "../blame/suspect-utterances.ts";
import type { HeldJobs } from "../lanes/held-jobs.ts";
import { type LiveWindow, utteranceOf } from "../lanes/window.ts";
import type { EngineDescription } from "../tenure/engine-description.ts";
import type { RowEnd } from "../tenure/tenure-state.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";

/** A window that came out well, as it is answered. Throws when the engine did not say it. */
export type ToHeard = (outcome: { meta: Json }) => HeardWindow & { language: string };

export interface WindowAnswers {
  outcome(window: LiveWindow, end: RowEnd, engine: EngineDescription): void;
  /** Nothing came of it. `suspicion`: what is held against its utterance by now. */
  convicted(window: LiveWindow, failure: Failure, suspicion: number): void;
  /** Past its deadline, and not run. */
  late(window: LiveWindow): void;
  /** Nobody waits for an answer. */
  unwanted(window: LiveWindow): void;
  unreadable(delivery: Held): void;
}

export interface WindowAnswersOptions {
  bus: Pick<Bus, "publish">;
  held: Pick<HeldJobs, "drop">;
  suspects: SuspectUtterances;
  toHeard: ToHeard;
  track(work: Promise<unknown>): void;
  metrics: WorkerMetrics | undefined;
  log: Log;
}

/** One of several outcomes, without what all of them say. */
type Said = WindowAnswer extends infer Answer
  ? Answer extends WindowAnswer
    ? Omit<Answer, "item" | "window" | "finishedAt">
    : never
  : never;

export function createWindowAnswers(options: WindowAnswersOptions): WindowAnswers {
  const { bus, held, suspects, toHeard, track, metrics, log } = options;

  /**
   * It is held no longer than until then: in a stream that lost its memory another one may have its number. One that was replaced
   * meanwhile is not there any more, and one whose acknowledgement is lost comes again, and is late by then.
   */
  function acknowledge(delivery: Held): void {
    const missed = (error: unknown) => log.debug({ err: error }, "a window's acknowledgement was not heard");
    track(delivery.ack().catch(missed));
    delivery.letGo();
  }

  function answer(window: LiveWindow, said: Said): void {
    const { sessionId, headers, delivery, publishedAt } = window;
    const finishedAt = Date.now();
    const whole = { ...said, item: headers.item, window: headers.window, finishedAt };
    try {
      bus.publish(subjects.liveHeard(sessionId), JSON.stringify(whole));
    } catch {
      // NATS is away: its sender will not wait for longer than its deadline.
    }
    metrics?.window(said.outcome, Math.max(0, finishedAt - publishedAt) / 1_000);
    acknowledge(delivery);
    held.drop(window);
  }

  function fail(window: LiveWindow, error: Failure): void {
    answer(window, { outcome: "failed", error });
  }

  return {
    outcome(window, { outcome, size, startedAt }, { name }) {
      suspects.clear(utteranceOf(window));
      if (!outcome.ok) {
        fail(window, outcome.failure);
        return;
      }
      try {
        const { stable, tail, memory, language } = toHeard(outcome);
        const heard = { stable, tail, memory, language };
        answer(window, { outcome: "heard", ...heard, model: name, passSize: size, startedAt });
      } catch (error) {
        log.error({ err: error, session: window.sessionId }, "an engine's outcome answers no window");
        fail(window, toSpeechError(error).toFailure());
      }
    },
    convicted(window, failure, suspicion) {
      suspects.note(utteranceOf(window), suspicion);
      fail(window, failure);
    },
    late: (window) => answer(window, { outcome: "late" }),
    unwanted(window) {
      metrics?.window("cancelled");
      acknowledge(window.delivery);
      held.drop(window);
    },
    unreadable(delivery) {
      metrics?.window("failed");
      acknowledge(delivery);
    },
  };
}
