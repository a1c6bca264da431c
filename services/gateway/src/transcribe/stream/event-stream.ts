/**
 * Server-sent events as OpenAI's clients read them: one JSON object an event, no names. Written no faster than they are read, and
 * with a comment now and then, for what stands between takes a quiet connection for a dead one.
 */
import { once } from "node:events";
import { SpeechError, toErrorBody } from "@parlance/contracts";
import type { Context } from "koa";

/** Below the minute after which the usual proxies give up. */
const COMMENT_MS = 15_000;
/** As long as the HTTP server lets an answer lie that nobody takes. */
const UNREAD_MS = 30_000;

export interface EventStreamOptions {
  /** Aborts when the caller is gone. */
  gone: AbortSignal;
  /** How long a caller may leave what was sent unread. Default 30 000. */
  unreadMs?: number;
  /** Default 15 000. */
  commentMs?: number;
}

export interface EventStream {
  /**
   * Resolves when there is room for the next one: what is in memory is one event and what sockets hold. A caller that does not
   * read is cut off: throws `request_timeout`, or the reason of `gone`.
   */
  write(event: object): Promise<void>;
  end(event: object): void;
  /** The end of a stream that fails: clients throw what it says. */
  fail(error: SpeechError): void;
}

/** Sends the headers: from here on a failure has no status of its own. */
export function openEventStream(
  ctx: Context,
  { gone, unreadMs = UNREAD_MS, commentMs = COMMENT_MS }: EventStreamOptions,
): EventStream {
  const { res } = ctx;
  let waiting = false;
  // By hand: Koa's own way with streams leaves a broken one hanging.
  ctx.respond = false;
  ctx.status = 200;
  ctx.set({
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
  });
  ctx.flushHeaders();
  const commenting = setInterval(() => {
    if (!waiting) res.write(":\n\n");
  }, commentMs);
  const stopCommenting = () => clearInterval(commenting);
  res.once("close", stopCommenting);

  function end(event: object): void {
    stopCommenting();
    res.end(toData(event));
  }

  return {
    async write(event) {
      gone.throwIfAborted();
      if (res.write(toData(event))) return;
      waiting = true;
      try {
        await once(res, "drain", { signal: AbortSignal.any([gone, AbortSignal.timeout(unreadMs)]) });
      } catch (error) {
        gone.throwIfAborted();
        res.destroy();
        throw new SpeechError("request_timeout", "The answer was not read in time.", { cause: error });
      } finally {
        waiting = false;
      }
    },
    end,
    // What went wrong on our side may name our insides: that is for the log.
    fail: (error) => end(toErrorBody(error.code === "internal" ? new SpeechError("internal") : error)),
  };
}

function toData(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
