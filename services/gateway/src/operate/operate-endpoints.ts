/** GET /api/v1/queue/lanes, /api/v1/queue/batches, /api/v1/queue/dead-letters, POST /api/v1/queue/{batch_id}/replay, GET /api/v1/events. */
import { randomUUID } from "node:crypto";
import type Router from "@koa/router";
import {
  type BatchList,
  batchIdSchema,
  type DeadLetters,
  type Lanes,
  listQuerySchema,
  type ReplayResponse,
  replayedSchema,
  SpeechError,
  subjects,
  toSpeechError,
} from "@parlance/contracts";
import { askIngest } from "../ask-ingest.ts";
import { type GatewayContext, whileConnected } from "../gateway-context.ts";
import { keepFor } from "../http/keep-for.ts";
import { createGpuStatus } from "../models/index.ts";
import { type EventStream, openEventStream } from "../transcribe/stream/event-stream.ts";
import { createFeed } from "./feed.ts";
import { createLaneReader } from "./lanes.ts";
import { createBatchList } from "./list-batches.ts";
import { listDeadLetters } from "./list-dead-letters.ts";

const FRESH_MS = 500;

export function addOperate(router: Router, gateway: GatewayContext): void {
  const { bus, notebook, queue, log } = gateway;
  const readLanes = keepFor(FRESH_MS, createLaneReader(bus));
  const listBatches = createBatchList(bus, notebook);
  const feed = createFeed({ bus, notebook, log, readLanes, readDevices: createGpuStatus(bus) });

  router.get("/api/v1/queue/lanes", async (ctx) => {
    ctx.body = { lanes: await readLanes() } satisfies Lanes;
  });

  router.get("/api/v1/queue/batches", async (ctx) => {
    const query = listQuerySchema.parse(ctx.query);
    ctx.body = (await listBatches(query)) satisfies BatchList;
  });

  router.get("/api/v1/queue/dead-letters", async (ctx) => {
    const query = listQuerySchema.parse(ctx.query);
    ctx.body = (await listDeadLetters(bus, query)) satisfies DeadLetters;
  });

  router.post("/api/v1/queue/:batchId/replay", async (ctx) => {
    const batchId = batchIdSchema.safeParse(ctx.params.batchId);
    if (!batchId.success) throw new SpeechError("batch_not_found");
    await queue.refuseWhenFull();
    const newBatchId = randomUUID();
    ctx.state.batchId = newBatchId;
    const { jobs } = await askIngest(bus, subjects.replay(batchId.data), { new_batch_id: newBatchId }, replayedSchema);
    ctx.body = { batch_id: batchId.data, new_batch_id: newBatchId, jobs } satisfies ReplayResponse;
  });

  router.get("/api/v1/events", async (ctx) => {
    const gone = whileConnected(ctx, gateway);
    const watcher = feed.watch();
    let stream: EventStream | undefined;
    try {
      stream = openEventStream(ctx, { gone });
      for (;;) for (const event of await watcher.next(gone)) await stream.write(event);
    } catch (error) {
      if (stream === undefined) throw error;
      if (!ctx.res.destroyed) stream.fail(toSpeechError(error));
    } finally {
      watcher.close();
    }
  });
}
