/**
 * How much of bodies may be in memory at a time, of all requests together. Each body alone is bounded where it is read; without this
 * bound as many as there are connections could be there at once.
 */
import { SpeechError } from "@parlance/contracts";
import type { Context } from "koa";

/** Bytes of all bodies together. */
export const BODY_BYTES = 256 * 1_048_576;
const RETRY_SECONDS = 2;

export interface BodyBudget {
  /**
   * Room for a request's body until its answer is sent: as many bytes as it declares, at most `most`, which is also what a body
   * without a length takes. Throws `overloaded`.
   */
  take(ctx: Context, most: number): void;
  /** Bytes that are taken. */
  readonly taken: number;
}

export function createBodyBudget(maxBytes: number = BODY_BYTES): BodyBudget {
  let taken = 0;
  return {
    take(ctx, most) {
      const bytes = Math.min(ctx.request.length ?? most, most);
      if (taken + bytes > maxBytes)
        throw new SpeechError("overloaded", undefined, { retryAfterSeconds: RETRY_SECONDS });
      taken += bytes;
      ctx.res.once("close", () => {
        taken -= bytes;
      });
    },
    get taken() {
      return taken;
    },
  };
}
