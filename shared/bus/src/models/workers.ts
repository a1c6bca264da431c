/** Who works, and what their models can do: asked of every worker's supervisor. */
import { type Family, subjects, type WorkerState, workerStateSchema } from "@parlance/contracts";
import type { Bus } from "../types.ts";

const ANSWER_MS = 150;

/** The states that arrive within the time; what cannot be read is left out. */
export async function askWorkers(bus: Pick<Bus, "requestMany">, waitMs: number = ANSWER_MS): Promise<WorkerState[]> {
  const replies = await bus.requestMany(subjects.workers, "", waitMs);
  return replies.flatMap((reply) => {
    try {
      return [workerStateSchema.parse(JSON.parse(new TextDecoder().decode(reply)))];
    } catch {
      return [];
    }
  });
}

export interface KnownWorkersOptions {
  bus: Pick<Bus, "requestMany">;
  family: Family;
  /** Milliseconds after which an answer is asked for anew. Default 2 000. */
  freshMs?: number;
  waitMs?: number;
}

/**
 * What the workers of a family last said of themselves: empty only as long as none ever answered, because one that is away for
 * a moment can do what it could. Only the first question is waited for; later ones are asked behind the answer that is known.
 */
export function knowWorkers({
  bus,
  family,
  freshMs = 2_000,
  waitMs,
}: KnownWorkersOptions): () => Promise<readonly WorkerState[]> {
  let known: readonly WorkerState[] = [];
  let asking: Promise<void> | undefined;
  let freshUntil = Number.NEGATIVE_INFINITY;

  async function ask(): Promise<void> {
    try {
      const answers = (await askWorkers(bus, waitMs)).filter((worker) => worker.family === family);
      if (answers.length > 0) known = answers;
      freshUntil = performance.now() + freshMs;
    } catch {
      // NATS refused the question: what is known stays, and the next caller asks again.
    } finally {
      asking = undefined;
    }
  }

  return async () => {
    if (performance.now() >= freshUntil) asking ??= ask();
    if (known.length === 0) await asking;
    return known;
  };
}
