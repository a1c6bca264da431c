/** While the gateway closes: who waits is answered, who asks is refused, and connections are not kept. */
import { SpeechError } from "@parlance/contracts";
import type { Middleware } from "koa";

export interface Closing {
  /** Aborts with the error that callers are told. */
  readonly signal: AbortSignal;
  begin(): void;
  guard: Middleware;
}

export function createClosing(): Closing {
  const controller = new AbortController();
  const { signal } = controller;
  return {
    signal,
    begin: () => controller.abort(new SpeechError("stopping")),
    async guard(ctx, next) {
      try {
        signal.throwIfAborted();
        await next();
      } finally {
        if (signal.aborted && !ctx.headerSent) ctx.set("Connection", "close");
      }
    },
  };
}
