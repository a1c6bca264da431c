/** What becomes of windows that were delivered: taken together, given back, or answered at once because they are not to be run. */
import type { Held } from "@parlance/bus";
import { SpeechError } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";
import { isConvicted } from "../blame/blame.ts";
import type { SuspectUtterances } from "../blame/suspect-utterances.ts";
import type { WindowAnswers } from "../results/answer-window.ts";
import { type LiveWindow, readWindow, type ToEngineWindow, utteranceOf } from "./window.ts";

export interface WindowAdmissionOptions {
  answers: WindowAnswers;
  suspects: Pick<SuspectUtterances, "of">;
  toJob: ToEngineWindow;
  /** Whether this worker takes work at the moment. */
  isOpen(): boolean;
  isCancelled(sessionId: string): boolean;
  onWindows(windows: readonly LiveWindow[]): void;
  clock: Clock;
  log: Log;
}

export function createWindowAdmission(options: WindowAdmissionOptions): (deliveries: readonly Held[]) => void {
  const { answers, suspects, toJob, isOpen, isCancelled, onWindows, clock, log } = options;

  /** Undefined when it cannot be. */
  function read(delivery: Held): LiveWindow | undefined {
    try {
      return readWindow(delivery, toJob, clock.now());
    } catch (error) {
      // It names no window that could be answered; its sender goes by its own deadline.
      log.warn({ err: error, subject: delivery.subject }, "a window that cannot be read");
      answers.unreadable(delivery);
      return undefined;
    }
  }

  function isToRun(window: LiveWindow): boolean {
    const suspicion = suspects.of(utteranceOf(window));
    window.suspicion = suspicion;
    if (isCancelled(window.sessionId)) answers.unwanted(window);
    else if (window.expiresAt <= clock.now()) answers.late(window);
    else if (isConvicted(window)) answers.convicted(window, new SpeechError("engine_failed").toFailure(), suspicion);
    else return true;
    return false;
  }

  return (deliveries) => {
    if (!isOpen()) {
      for (const delivery of deliveries) delivery.nak(0);
      return;
    }
    const windows = deliveries.flatMap((delivery) => read(delivery) ?? []).filter(isToRun);
    if (windows.length > 0) onWindows(windows);
  };
}
