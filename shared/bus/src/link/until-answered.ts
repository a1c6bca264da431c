/** Runs something that is safe to run twice until the server has answered it: across restarts, within a time. */
import { setTimeout as sleep } from "node:timers/promises";
import { SpeechError } from "@parlance/contracts";
import { errors } from "nats";
import type { Link } from "./link.ts";
import { isNoResponders, refusal } from "./server-error.ts";

export interface RetryOptions {
  /** Milliseconds. Default 10 000. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds after which one try counts as lost. Default 5 000: a server under fsync load answers late. */
  attemptMs?: number | undefined;
  /** Tries that may stay without an answer while the connection is up. Default: as many as the time allows. */
  silentTries?: number | undefined;
}

export const DEFAULT_TIMEOUT_MS = 10_000;
const ATTEMPT_MS = 5_000;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1_000;

/** Throws a SpeechError: what the server refused, or `bus_unavailable` when the time is over. */
export async function untilAnswered<T>(
  link: Link,
  what: string,
  attempt: (timeoutMs: number) => Promise<T>,
  {
    timeoutMs = DEFAULT_TIMEOUT_MS,
    signal,
    attemptMs = ATTEMPT_MS,
    silentTries = Number.POSITIVE_INFINITY,
  }: RetryOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  let silent = 0;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    signal?.throwIfAborted();
    const left = deadline - performance.now();
    if (left <= 0 || link.closed || !(await link.whenConnected(left, signal))) {
      signal?.throwIfAborted();
      throw unavailable(what, link, cause);
    }
    const tryMs = Math.max(1, Math.min(attemptMs, Math.ceil(left)));
    try {
      return await link.whileConnected(attempt(tryMs));
    } catch (error) {
      const final = refusal(error, what);
      if (final) throw final;
      const isSilent = error instanceof errors.TimeoutError;
      // A last try that was cut short says less than the answer to the one before.
      if (!isSilent || tryMs === attemptMs || cause === undefined) cause = error;
      if (isSilent && ++silent >= silentTries) throw unavailable(what, link, cause);
    }
    await sleep(Math.max(0, Math.min(pause, deadline - performance.now())), undefined, { signal }).catch(() => {});
  }
}

/** Callers are told why; what was tried names our insides, and is for the log. */
function unavailable(what: string, link: Link, cause: unknown): SpeechError {
  const sentence = !link.connected
    ? "NATS cannot be reached."
    : isNoResponders(cause)
      ? "no stream answers. Is JetStream on, and has the topology been made?"
      : "NATS does not answer in time: it is busy, or its disk is full.";
  return new SpeechError("bus_unavailable", sentence, { cause: new Error(`${what}: ${sentence}`, { cause }) });
}
