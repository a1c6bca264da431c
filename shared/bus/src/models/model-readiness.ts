/**
 * Whether the models can be loaded, for whoever hands out work or tells of it: asked of the workers, at most once a second
 * however many want to know.
 */
import {
  type Downloading,
  downloading,
  type Family,
  familyOf,
  notReady,
  type Operation,
  type SpeechError,
  servedModels,
  type WorkerState,
} from "@parlance/contracts";
import type { Bus } from "../types.ts";
import { askWorkers } from "./workers.ts";

export interface Readiness {
  /** None answered: there is nothing to be said of their models. */
  workers: number;
  /** Set when none of the family's workers can load its model. */
  problem: SpeechError | undefined;
  /** Set when all that could do the work wait for a download. */
  download: Downloading | undefined;
}

/** Whose models are meant: all of a family, or those that do something. */
export type Meant = Family | Operation;

export interface ModelReadiness {
  /** All that answered, within the last second. */
  workers(): Promise<readonly WorkerState[]>;
  /** What was heard within the last second. */
  now(meant: Meant): Promise<Readiness>;
  /**
   * The same without waiting where workers were heard within `withinMs` (default: ever), and nothing was wrong with them then. They
   * are asked behind it.
   */
  lately(meant: Meant, withinMs?: number): Promise<Readiness>;
}

export interface ModelReadinessOptions {
  bus: Pick<Bus, "requestMany" | "connected">;
  /** Milliseconds after which the workers are asked anew. Default 1 000. */
  freshMs?: number;
}

export function followModelReadiness({ bus, freshMs = 1_000 }: ModelReadinessOptions): ModelReadiness {
  let heard: readonly WorkerState[] = [];
  let heardAt = Number.NEGATIVE_INFINITY;
  let freshUntil = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    try {
      if (bus.connected) heard = await askWorkers(bus);
      heardAt = performance.now();
      freshUntil = heardAt + freshMs;
    } catch {
      // NATS refused the question: what was heard stands, and the next caller asks again.
    } finally {
      asking = undefined;
    }
  }

  function readiness(meant: Meant): Readiness {
    const workers = meantOf(heard, meant);
    return { workers: workers.length, problem: notReady(workers), download: downloading(workers) };
  }

  async function workers(): Promise<readonly WorkerState[]> {
    if (performance.now() >= freshUntil) asking ??= ask();
    await asking;
    return heard;
  }

  async function now(meant: Meant): Promise<Readiness> {
    await workers();
    return readiness(meant);
  }

  return {
    workers,
    now,
    async lately(meant, withinMs = Number.POSITIVE_INFINITY) {
      const isLate = performance.now() - heardAt > withinMs;
      const fresh = now(meant);
      const known = readiness(meant);
      return known.problem === undefined && known.download === undefined && !isLate ? known : await fresh;
    },
  };
}

export function familyOfMeant(meant: Meant): Family {
  return meant === "asr" || meant === "tts" ? meant : familyOf[meant];
}

/** Of a worker with several models those that do it; of one that does not say what it does, that one. */
function meantOf(workers: readonly WorkerState[], meant: Meant): readonly WorkerState[] {
  const own = workers.filter(({ family }) => family === familyOfMeant(meant));
  if (meant === "asr" || meant === "tts") return own;
  return servedModels(own).filter(({ operations }) => operations?.includes(meant) ?? true);
}
