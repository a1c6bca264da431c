/**
 * Whether NATS can store anything: a submission that it cannot is refused at once, and `/readyz` says why.
 *
 * Whoever runs nats-server sees its disk and tells (`npm start` does). Where nobody does, a write that came to nothing is all
 * there is to go by: from then on `check` tries one of its own until one is stored.
 */
import type { BatchNotebook } from "@parlance/bus";
import { SpeechError, toSpeechError } from "@parlance/contracts";
import type { Middleware } from "koa";

export interface Storage {
  /** What is known to keep NATS from storing: a sentence, or undefined. */
  tell(problem: string | undefined): void;
  /** A sentence when NATS stores nothing. */
  check(): Promise<string | undefined>;
  /** Refuses requests that would store while it is known that nothing can be, with `storage_full`. */
  guard: Middleware;
}

const CHECK_MS = 2_000;

export function createStorage(notebook: Pick<BatchNotebook, "tryOut">): Storage {
  let told: string | undefined;
  let doubtful = false;

  return {
    tell(problem) {
      told = problem;
    },
    async check() {
      if (told !== undefined || !doubtful) return told;
      doubtful = !(await isStored(notebook));
      return doubtful ? "NATS stores nothing: is its disk full?" : undefined;
    },
    async guard(ctx, next) {
      const stores = ctx.method === "POST" && /^\/(api|v1)\//.test(ctx.path);
      if (stores && told !== undefined) throw new SpeechError("storage_full", told);
      try {
        await next();
      } catch (error) {
        const { code } = toSpeechError(error);
        if (stores && (code === "storage_full" || code === "bus_unavailable")) doubtful = true;
        throw error;
      }
    },
  };
}

/** A frozen stream leaves a write without an answer for longer than a probe waits. */
async function isStored(notebook: Pick<BatchNotebook, "tryOut">): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), CHECK_MS);
  const stored = notebook.tryOut().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([stored, late]);
  } finally {
    clearTimeout(timer);
  }
}
