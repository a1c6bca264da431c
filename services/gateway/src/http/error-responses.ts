/** Every error in one JSON shape, with what a client needs to decide whether to try again. */
import { SpeechError, toErrorBody, toSpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { Context, Middleware } from "koa";
import { statusOf } from "./openai-status.ts";
import { retryHeaders } from "./retry-headers.ts";

/** How long a refused upload may go on, so that its sender gets to read the answer instead of a reset. */
const LINGER_MS = 2_000;

export function createErrorResponses(log: Log): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && ctx.body === undefined) throw new SpeechError("not_found");
      // The router answers a method that it does not know with 405 or 501, the Allow header, and no body.
      if (ctx.status === 405 || ctx.status === 501) throw new SpeechError("method_not_allowed");
    } catch (error) {
      const known = fromHttp(error);
      if (known.code === "internal") {
        log.error({ err: known.cause ?? known, requestId: ctx.state.requestId }, "a request failed");
      }
      answer(ctx, known);
    }
    lingerThenClose(ctx);
  };
}

function answer(ctx: Context, error: SpeechError): void {
  if (ctx.headerSent) {
    ctx.req.socket.destroy();
    return;
  }
  ctx.status = statusOf(ctx.path, error);
  // What went wrong on our side may name our insides: that is for the log.
  ctx.body = toErrorBody(error.code === "internal" ? new SpeechError("internal") : error);
  ctx.set(retryHeaders(error));
  ctx.state.errorCode = error.code;
}

/** Libraries of HTTP throw errors with a status; everything else that is no SpeechError is our own fault. */
function fromHttp(error: unknown): SpeechError {
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  if (error instanceof SpeechError || typeof status !== "number") return toSpeechError(error);
  const options = { cause: error };
  if (status === 405) return new SpeechError("method_not_allowed", undefined, options);
  if (status === 413) return new SpeechError("payload_too_large", undefined, options);
  if (status === 415) return new SpeechError("unsupported_media_type", undefined, options);
  if (status >= 400 && status < 500) return new SpeechError("invalid_request", undefined, options);
  return toSpeechError(error);
}

/** An answer may come before the whole request did: the rest is thrown away, for a while. */
function lingerThenClose(ctx: Context): void {
  const { req } = ctx;
  if (req.complete || req.destroyed) return;
  req.unpipe();
  req.resume();
  const close = setTimeout(() => req.socket.destroy(), LINGER_MS);
  // Its end, or that of its connection. The answer's end says nothing: it is sent long before.
  req.once("close", () => clearTimeout(close));
  req.on("error", () => undefined);
}
