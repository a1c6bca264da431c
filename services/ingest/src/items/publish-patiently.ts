/** A full queue makes its publishers wait: nothing that was accepted is lost. */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus, PublishOnceOptions, PublishReceipt } from "@parlance/bus";
import { SpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export interface PatientOptions extends Omit<PublishOnceOptions, "signal" | "timeoutMs"> {
  signal: AbortSignal;
  log: Log;
}

/** Until it is stored, refused for good, or the signal aborts. */
export async function publishPatiently(
  bus: Pick<Bus, "publishOnce">,
  subject: string,
  payload: Uint8Array | string,
  { log, signal, ...options }: PatientOptions,
): Promise<PublishReceipt> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await bus.publishOnce(subject, payload, { ...options, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SpeechError) || !error.retryable) throw error;
      if (tries === 0) log.warn({ subject, code: error.code }, "a job cannot be stored; waiting");
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }
}
