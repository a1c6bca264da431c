/**
 * GET /api/v1/queue/status/{batch_id}. What the results service says is passed on as it is; what a caller has already (`If-None-Match`) is
 * not sent again, and `wait` lets the answer come when it is another one.
 *
 * Whoever waits hears the batch's events and asks again at each. The subscription is made before the first question, so nothing falls
 * between; what is no event (that a model cannot be loaded), or was missed, is seen by asking now and then.
 */
import { setTimeout as pause } from "node:timers/promises";
import type Router from "@koa/router";
import {
  batchIdSchema,
  errorBodySchema,
  headerNames,
  requestSubjects,
  SpeechError,
  type StatusView,
  statusHeaders,
  statusViewSchema,
  subjects,
} from "@parlance/contracts";
import type { Context } from "koa";
import * as z from "zod";
import { type GatewayContext, whileConnected } from "../gateway-context.ts";
import { createNews, type News } from "./news.ts";

/** The longest time that an answer waits for something to tell. */
export const MOST_WAIT_SECONDS = 60;
const STATUS_TIMEOUT_MS = 5_000;
const LOOK_MS = 5_000;
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

interface Answer {
  json: Uint8Array;
  etag: string;
  /** The caller has it, and `json` is empty. */
  unchanged: boolean;
  final: boolean;
}

export function addStatus(router: Router, gateway: GatewayContext): void {
  const { bus, metrics } = gateway;
  let waiting = 0;

  async function ask(batchId: string, view: StatusView, etag: string | undefined): Promise<Answer> {
    const question = JSON.stringify({ ...view, ...(etag === undefined ? {} : { etag }) });
    const reply = await bus.ask(requestSubjects.status(batchId), question, STATUS_TIMEOUT_MS);
    if (reply === undefined) throw new SpeechError("bus_unavailable", "The results service does not answer.");
    const { data, headers } = reply;
    if (headers.has(headerNames.errorCode)) {
      const { error } = errorBodySchema.parse(JSON.parse(Buffer.from(data).toString()));
      throw new SpeechError(error.code, error.message);
    }
    const says = (name: string) => headers.get(name) === "true";
    return {
      json: data,
      etag: headers.get(statusHeaders.etag),
      unchanged: says(statusHeaders.unchanged),
      final: says(statusHeaders.final),
    };
  }

  /** The first answer that is another than the one before, or the last one before the time is over. */
  async function askUntilChanged(
    batchId: string,
    { view, known, waitMs }: { view: StatusView; known: string | undefined; waitMs: number },
    gone: AbortSignal,
  ): Promise<Answer> {
    const began = performance.now();
    const until = began + waitMs;
    await using events = follow(batchId);
    await bus.flush();
    let answer = await ask(batchId, view, known);
    const before = known ?? answer.etag;
    while (!answer.final && answer.etag === before && performance.now() < until) {
      await events.news.wait(Math.min(LOOK_MS, Math.max(1, until - performance.now())), gone).catch(passOver);
      gone.throwIfAborted();
      answer = await ask(batchId, view, before);
    }
    const early = began + Math.min(PACE_MS, waitMs) - performance.now();
    if (!answer.final && early > 0) {
      await pause(early, undefined, { signal: gone }).catch(() => gone.throwIfAborted());
      answer = await ask(batchId, view, known);
    }
    // Who said nothing of what he has gets the whole of it.
    return answer.unchanged && known === undefined ? await ask(batchId, view, undefined) : answer;
  }

  function follow(batchId: string): { news: News } & AsyncDisposable {
    const over = new AbortController();
    const news = createNews();
    const hear = async (subject: string) => {
      for await (const _ of bus.subscribe(subject, over.signal)) news.tell();
    };
    const heard = [
      ...[subjects.batchDone(batchId), subjects.summary(batchId), subjects.progress(batchId, "*")],
      `speech.result.${batchId}.>`,
      // A failed subscription leaves the looks.
    ].map((subject) => hear(subject).catch(() => undefined));
    waiting += 1;
    metrics.statusWaiting.inc();
    return {
      news,
      async [Symbol.asyncDispose]() {
        waiting -= 1;
        metrics.statusWaiting.dec();
        over.abort();
        await Promise.all(heard);
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
    ctx.set("ETag", `"${answer.etag}"`);
    if (answer.unchanged) {
      ctx.status = 304;
      return;
    }
    ctx.type = "application/json";
    ctx.body = Buffer.from(answer.json);
  });
}

/** Nothing was told in time: it is asked again all the same. */
function passOver(error: unknown): void {
  if (!(error instanceof SpeechError) || error.code !== "request_timeout") throw error;
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
