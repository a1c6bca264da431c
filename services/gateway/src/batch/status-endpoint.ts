/**
 * GET /api/v1/queue/status/{batch_id}. What is stored or told of a batch (status-desk) is passed on as it is, compressed to who takes that;
 * what a caller has already (`If-None-Match`) is not sent again, and `wait` lets the answer come when it is another one.
 *
 * Whoever waits hears the batch's events and asks again at each. The subscription is made before the first question, so nothing falls
 * between; what is no event (that a model cannot be loaded), or was missed, is seen by asking now and then.
 */
import { setTimeout as pause } from "node:timers/promises";
import type Router from "@koa/router";
import {
  batchIdSchema,
  headerNames,
  plainStatus,
  SpeechError,
  type StatusView,
  statusViewSchema,
  subjects,
} from "@parlance/contracts";
import type { Context } from "koa";
import * as z from "zod";
import { type GatewayContext, whileConnected } from "../gateway-context.ts";
import { createNews, type News } from "./news.ts";
import type { StatusAnswer, StatusDesk } from "./status-desk.ts";

/** The longest time that an answer waits for something to tell. */
export const MOST_WAIT_SECONDS = 60;
const LOOK_MS = 5_000;
/** What is heard is stored a moment later. */
const SOON_MS = 20;
/** Of a batch that changes all the time a caller who waits again and again is told at this pace. Its end comes at once. */
const PACE_MS = 250;
/** Callers that wait. Beyond it nobody else does: the answer comes at once. */
const MOST_WAITING = 512;

const numbers = z.object({
  wait: z.coerce.number().min(0).max(MOST_WAIT_SECONDS).optional(),
  offset: z.coerce.number().optional(),
  limit: z.coerce.number().optional(),
});
const one = z.object({ items: z.string().optional() });

/** What is heard of a batch while somebody waits for it. */
interface Events extends AsyncDisposable {
  /** Something may have changed. */
  news: News;
  /** It is at its end. */
  ended: News;
}

export function addStatus(router: Router, gateway: GatewayContext, { ask }: StatusDesk): void {
  const { bus, metrics } = gateway;
  let waiting = 0;

  /** The first answer that is another than the one before, or the last one before the time is over. */
  async function askUntilChanged(
    batchId: string,
    { view, known, waitMs }: { view: StatusView; known: string | undefined; waitMs: number },
    gone: AbortSignal,
  ): Promise<StatusAnswer> {
    const until = performance.now() + waitMs;
    const paced = performance.now() + Math.min(PACE_MS, waitMs);
    await using events = follow(batchId);
    await bus.flush();
    let answer = await ask(batchId, view, known);
    const before = known ?? answer.etag;
    for (let look = LOOK_MS; !answer.final && answer.etag === before && performance.now() < until; ) {
      const told = await heard(events.news, Math.min(look, until - performance.now()), gone);
      answer = await ask(batchId, view, before);
      look = told ? SOON_MS : Math.min(look * 4, LOOK_MS);
    }
    let ended = false;
    while (!answer.final && performance.now() < paced) {
      if (ended) await pause(SOON_MS);
      else ended = await heard(events.ended, paced - performance.now(), gone);
      answer = await ask(batchId, view, known);
    }
    // Who said nothing of what he has gets the whole of it.
    return answer.unchanged && known === undefined ? await ask(batchId, view, undefined) : answer;
  }

  function follow(batchId: string): Events {
    const over = new AbortController();
    const [news, ended] = [createNews(), createNews()];
    const hear = async (subject: string) => {
      for await (const { headers } of bus.subscribe(subject, over.signal)) {
        news.tell();
        // The end of the only item is the batch's.
        if (subject === summary || headers.has(headerNames.batch)) ended.tell();
      }
    };
    const summary = subjects.summary(batchId);
    const hearing = [
      ...[subjects.batchDone(batchId), summary, subjects.progress(batchId, "*")],
      `speech.result.${batchId}.>`,
      // A failed subscription leaves the looks.
    ].map((subject) => hear(subject).catch(() => undefined));
    waiting += 1;
    metrics.statusWaiting.inc();
    return {
      news,
      ended,
      async [Symbol.asyncDispose]() {
        waiting -= 1;
        metrics.statusWaiting.dec();
        over.abort();
        await Promise.all(hearing);
      },
    };
  }

  router.get("/api/v1/queue/status/:batchId", async (ctx) => {
    const batchId = batchIdSchema.safeParse(ctx.params.batchId).data;
    if (batchId === undefined) throw new SpeechError("batch_not_found");
    const { wait = 0, ...view } = readQuery(ctx);
    const known = readEtag(ctx.get("If-None-Match"));
    const waits = wait > 0 && waiting < MOST_WAITING;
    const answer = waits
      ? await askUntilChanged(batchId, { view, known, waitMs: wait * 1_000 }, whileConnected(ctx, gateway))
      : await ask(batchId, view, known);
    // Weak: the same answer has one name, compressed or not.
    ctx.set("ETag", `W/"${answer.etag}"`);
    ctx.vary("Accept-Encoding");
    if (answer.unchanged) {
      ctx.status = 304;
      return;
    }
    ctx.type = "application/json";
    const takesGzip = answer.gzip && ctx.acceptsEncodings("gzip", "identity") === "gzip";
    if (takesGzip) ctx.set("Content-Encoding", "gzip");
    const { buffer, byteOffset, byteLength } = takesGzip ? answer.data : await plainStatus(answer);
    ctx.body = Buffer.from(buffer, byteOffset, byteLength);
  });
}

/** Whether something was told in time. Throws the signal's reason. */
async function heard(news: News, timeoutMs: number, gone: AbortSignal): Promise<boolean> {
  try {
    await news.wait(Math.max(1, timeoutMs), gone);
    return true;
  } catch (error) {
    if (!(error instanceof SpeechError) || error.code !== "request_timeout") throw error;
    return false;
  }
}

/** Throws `validation_failed`, naming what is wrong. What is not known is passed over. */
function readQuery({ query }: Pick<Context, "query">): StatusView & { wait?: number | undefined } {
  const said = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
  const { wait, ...page } = numbers.parse(said);
  return { wait, ...statusViewSchema.parse({ ...one.parse(said), ...page }) };
}

/** The first that is named, weak or strong; undefined where none is. */
function readEtag(header: string): string | undefined {
  return /"([A-Za-z0-9_-]{1,128})"/.exec(header)?.[1];
}
