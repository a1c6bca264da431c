/**
 * Whether a family's model can be had, from what its workers say of themselves: pure, and one answer for everybody who asks:
 * requests, `/readyz`, `/health`, a batch's status.
 */
import { SpeechError } from "../errors/errors.ts";
import type { WorkerState } from "../messages/worker-state.ts";

export type ReadinessFacts = Pick<WorkerState, "worker" | "model" | "loaded" | "trouble" | "download">;

/**
 * A SpeechError `model_not_ready` in the loader's own words, when none of these workers can load its model; undefined when one
 * can, or may: it has not tried yet. Without any worker there is nothing to be said.
 */
export function notReady(workers: readonly ReadinessFacts[]): SpeechError | undefined {
  const troubled = workers.flatMap(({ model, trouble }) => (trouble === undefined ? [] : [{ model, ...trouble }]));
  const [first] = troubled.sort((a, b) => a.retryInSeconds - b.retryInSeconds);
  if (first === undefined || troubled.length < workers.length) return undefined;
  const { model, failure, tries, retryInSeconds } = first;
  const tried = tries === 1 ? "tried once" : `tried ${tries} times`;
  const words = failure.message.replace(/\.$/, "");
  return new SpeechError(
    "model_not_ready",
    `The model ${model} is not ready: ${words} (${tried}, next try in ${retryInSeconds} s).`,
    { retryable: troubled.some(({ retryable }) => retryable), retryAfterSeconds: Math.max(1, retryInSeconds) },
  );
}

export interface Downloading {
  /** A sentence that tells how far it has come. */
  message: string;
  /** Seconds that are left at the speed of now; undefined as long as none is known. */
  secondsLeft: number | undefined;
}

/** How far the download is that these workers wait for; undefined when one of them needs none. */
export function downloading(workers: readonly ReadinessFacts[]): Downloading | undefined {
  const downloads = workers.flatMap(({ download }) => download ?? []);
  const furthest = downloads.sort((a, b) => b.bytes / b.totalBytes - a.bytes / a.totalBytes)[0];
  if (furthest === undefined || downloads.length < workers.length) return undefined;
  const { model, bytes, totalBytes, bytesPerSecond } = furthest;
  const megabytes = (count: number) => (count / 1e6).toFixed(1);
  return {
    message: `The model ${model} is being downloaded: ${megabytes(bytes)} of ${megabytes(totalBytes)} MB, ${megabytes(bytesPerSecond)} MB/s.`,
    secondsLeft: bytesPerSecond > 0 ? Math.ceil((totalBytes - bytes) / bytesPerSecond) : undefined,
  };
}
