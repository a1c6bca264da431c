/**
 * A batch that its caller waits for: listened for, published on the interactive lane, and cancelled when the caller goes
 * away or REQUEST_TIMEOUT is over, so that its place is free for others.
 */
import { randomUUID } from "node:crypto";
import type { Meant } from "@parlance/bus";
import { type ItemDone, SpeechError, type Transcript, transcriptSchema } from "@parlance/contracts";
import type { Context } from "koa";
import { type GatewayContext, whileConnected } from "../gateway-context.ts";
import { wasRefused } from "./accept-batch.ts";
import { listenForDone } from "./done-events.ts";

export interface InteractiveBatch {
  batchId: string;
  /** Publishes the batch and resolves with its items' done events. */
  run(publish: () => Promise<void>, total: number): Promise<ReadonlyMap<string, ItemDone>>;
}

/** Runs `work` with a batch of its own. Whatever can be waited for beside the request's body is begun before `work`. */
export async function withInteractiveBatch<T>(
  ctx: Context,
  gateway: GatewayContext,
  work: (batch: InteractiveBatch) => Promise<T>,
): Promise<T> {
  const timeoutMs = gateway.settings.REQUEST_TIMEOUT * 1_000;
  const left = whileConnected(ctx, gateway);
  return await withFollowedBatch(
    ctx,
    gateway,
    "asr",
    (batchId) => listenForDone(gateway.bus, batchId),
    async ({ batchId, events, follow }) =>
      await work({
        batchId,
        // By whichever model is there: while it runs, no request has another one loaded.
        run: (publish, total) =>
          gateway.requested.inTurn(undefined, left, () =>
            follow(publish, total, (gone) => events.wait(total, timeoutMs, gone)),
          ),
      }),
  );
}

export interface FollowedBatch<Events> {
  batchId: string;
  events: Events;
  /** Publishes the batch, then does `until`. When that throws, the batch is cancelled: `gone` aborts with its caller. */
  follow<T>(publish: () => Promise<void>, total: number, until: (gone: AbortSignal) => Promise<T>): Promise<T>;
}

/** Like `withInteractiveBatch`, for a caller of whose batch more is to be told than that it is done. */
export async function withFollowedBatch<Events extends { ready: Promise<void>; close(): void }, T>(
  ctx: Context,
  gateway: GatewayContext,
  meant: Meant,
  listen: (batchId: string) => Events,
  work: (batch: FollowedBatch<Events>) => Promise<T>,
): Promise<T> {
  const { queue, metrics, model } = gateway;
  await model.require(meant);
  const batchId = randomUUID();
  ctx.state.batchId = batchId;
  const gone = whileConnected(ctx, gateway);
  const room = queue.refuseWhenFull();
  room.catch(() => undefined);
  const events = listen(batchId);

  try {
    return await work({
      batchId,
      events,
      async follow(publish, total, until) {
        await Promise.all([room, events.ready]);
        gone.throwIfAborted();
        metrics.waiting.inc();
        try {
          await publish();
          metrics.acceptedItems.inc({ lane: "interactive" }, total);
          return await model.whileReady(meant, gone, until);
        } catch (error) {
          if (!wasRefused(error)) await cancel(batchId, gateway);
          throw error;
        } finally {
          metrics.waiting.dec();
        }
      },
    });
  } finally {
    events.close();
  }
}

async function cancel(batchId: string, { notebook, log, now }: GatewayContext): Promise<void> {
  try {
    await notebook.cancel(batchId, now());
  } catch (error) {
    log.warn({ err: error, batchId }, "a batch that nobody waits for could not be cancelled");
  }
}

/** Throws the item's own error. */
export function requireDone(done: ItemDone | undefined): ItemDone {
  if (done === undefined) throw new SpeechError("internal", "An item of a batch that is done has no end.");
  const { error } = done;
  if (error !== undefined) throw new SpeechError(error.code, error.message, { param: error.param });
  return done;
}

/** The transcript of a done item, from its event or from the file that the event names. Throws the item's own error. */
export async function transcriptOf(
  done: ItemDone | undefined,
  { files }: Pick<GatewayContext, "files">,
): Promise<Transcript> {
  const { transcript, file: id } = requireDone(done);
  if (transcript !== undefined) return transcript;
  const file = id === undefined ? undefined : await files.read(id);
  if (file === undefined) throw new SpeechError("internal", "An item that is done has no transcript.");
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.content) chunks.push(chunk);
  return transcriptSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
}
