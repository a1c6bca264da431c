/**
 * A model that cannot be loaded: why, and when it is tried again. Tries are told apart by growing pauses, up to a minute,
 * and go on without any work: whoever refuses work because of the trouble would otherwise keep it for ever.
 *
 * What a loader or a hub said is told at once. A process that died has said nothing, and may have been killed by anybody: that
 * is told when it happens again and again.
 */
import { type ModelTrouble, SpeechError } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import { backoffAfter } from "../pauses.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";

export interface LoadTrouble {
  /** What is told of it. */
  readonly told: ModelTrouble | undefined;
  /** The last try came to nothing, whether that is told or not. */
  readonly present: boolean;
  /** Milliseconds until the next try; 0: it is due, or there is no trouble. */
  readonly restMs: number;
  /** A try came to nothing. */
  failed(error: Error): void;
  /** The model was loaded. */
  over(): void;
}

/** So many deaths in a row are no accident. */
const DEATHS_TOLD = 3;
/** A look at free memory costs little, where nothing else is unloaded for it. */
const LOOK_AGAIN_MS = 5_000;

/** @param isAlone the worker has no other model, which would have to be unloaded for each try */
export function createLoadTrouble(
  clock: Clock,
  metrics: Pick<WorkerMetrics, "modelReady" | "loadFailed"> | undefined,
  isAlone = true,
): LoadTrouble {
  let trouble: { error: Error; since: number; tries: number; pauseMs: number; nextTryAt: number } | undefined;
  const restMs = () => (trouble === undefined ? 0 : Math.max(0, trouble.nextTryAt - clock.now()));
  metrics?.modelReady(true);

  return {
    get told() {
      if (trouble === undefined) return undefined;
      const { error, since, tries } = trouble;
      if (!(error instanceof SpeechError) && tries < DEATHS_TOLD) return undefined;
      const failure = failureOf(error);
      return { failure, retryable: mayComeRight(error), since, tries, retryInSeconds: Math.ceil(restMs() / 1_000) };
    },
    get present() {
      return trouble !== undefined;
    },
    get restMs() {
      return restMs();
    },
    failed(error) {
      const short = isShort(error);
      const backoffMs = backoffAfter(trouble?.pauseMs ?? 0);
      const pauseMs = short && isAlone ? Math.min(backoffMs, LOOK_AGAIN_MS) : backoffMs;
      trouble = {
        error,
        since: trouble?.since ?? Date.now(),
        tries: (trouble?.tries ?? 0) + 1,
        pauseMs,
        nextTryAt: clock.now() + pauseMs,
      };
      metrics?.modelReady(false);
      if (!short) metrics?.loadFailed(failureOf(error).code);
    },
    over() {
      trouble = undefined;
      metrics?.modelReady(true);
    },
  };
}

/** Nothing was tried: there is not enough memory free (load-memory.ts). */
export function isShort(error: unknown): boolean {
  return error instanceof SpeechError && error.code === "memory_short";
}

function failureOf(error: Error) {
  return error instanceof SpeechError ? error.toFailure() : { code: "engine_failed" as const, message: error.message };
}

/** Without anybody's doing: a hub that is away, memory that others have, a process that was killed. */
function mayComeRight(error: Error): boolean {
  return !(error instanceof SpeechError) || error.retryable || error.code === "engine_out_of_memory";
}
