/** POST /api/v1/queue/submit, POST /api/v1/queue/{batch_id}/cancel, and the status (status-endpoint). */
import { randomUUID } from "node:crypto";
import type Router from "@koa/router";
import {
  batchIdSchema,
  familyOf,
  type NewItem,
  namesUnder,
  type SpeechAbilities,
  SpeechError,
  type SpeechFieldNames,
  type Submission,
  type SubmitRequest,
  type SubmitResponse,
  submitRequestSchema,
  toNewItem,
} from "@parlance/contracts";
import { requireFiles } from "../files/known-files.ts";
import { type GatewayContext, requireTranscription } from "../gateway-context.ts";
import { requireSpeakable, requireSpeech } from "../models/speech-models.ts";
import { requireVoices } from "../voices/find-voice.ts";
import { acceptBatch } from "./accept-batch.ts";
import { readIdempotencyKey, submitOnce } from "./idempotency.ts";
import { createStatusDesk } from "./status-desk.ts";
import { addStatus } from "./status-endpoint.ts";

export function addQueue(router: Router, gateway: GatewayContext): void {
  const { bus, notebook, readJson, queue, metrics, now } = gateway;
  const statuses = createStatusDesk(bus);

  router.post("/api/v1/queue/submit", async (ctx) => {
    const key = readIdempotencyKey(ctx.get("Idempotency-Key"));
    const request = await readJson(ctx, submitRequestSchema);
    const items = await readItems(request, gateway);
    const fresh: BatchIds = {
      batchId: randomUUID(),
      itemIds: request.items.map(() => randomUUID()),
      acceptedAt: now(),
    };

    const publish = async (ids: BatchIds) => {
      // A repeated submission of what was accepted gets its answer even when the queue is full by now.
      await queue.refuseWhenFull();
      const files = request.items.flatMap(({ ref_audio }, index) =>
        ref_audio === undefined ? [] : [{ fileId: ref_audio, param: `items.${index}.ref_audio` }],
      );
      await requireFiles(files, gateway);
      await requireVoices(
        items.map(({ voice }, index) => ({ voice, param: `items.${index}.voice` })),
        gateway,
      );
      await acceptBatch({ bus, notebook }, ids.batchId, toSubmission(request, items, ids.itemIds), ids.acceptedAt);
      statuses.accepted(ids.batchId);
      metrics.acceptedItems.inc({ lane: "batch" }, request.items.length);
    };

    let ids = fresh;
    if (key === undefined) await publish(ids);
    else {
      const owner = typeof ctx.state.owner === "string" ? ctx.state.owner : "";
      ids = await submitOnce(notebook.claims, { owner, key, body: request, claim: fresh }, publish);
    }
    ctx.state.batchId = ids.batchId;
    ctx.body = {
      batch_id: ids.batchId,
      total_items: ids.itemIds.length,
      item_ids: ids.itemIds,
      status: "queued",
    } satisfies SubmitResponse;
  });

  addStatus(router, gateway, statuses);

  router.post("/api/v1/queue/:batchId/cancel", async (ctx) => {
    const batchId = readBatchId(ctx.params.batchId);
    ctx.state.batchId = batchId;
    if (!(await notebook.has(batchId))) throw new SpeechError("batch_not_found");
    ctx.body = { batch_id: batchId, cancelled: await notebook.cancelUnfinished(batchId, now()) };
  });
}

interface BatchIds {
  batchId: string;
  itemIds: string[];
  acceptedAt: number;
}

function readBatchId(text: string | undefined): string {
  const parsed = batchIdSchema.safeParse(text);
  if (!parsed.success) throw new SpeechError("batch_not_found");
  return parsed.data;
}

/** The items as they travel. Throws what is wrong with one of them, naming `items.<n>.<field>`. */
async function readItems(request: SubmitRequest, { settings, speech }: GatewayContext): Promise<NewItem[]> {
  const speaks = request.items.some(({ operation }) => familyOf[operation] === "tts");
  if (speaks) requireSpeech(settings);
  const workers = speaks ? await speech.workers() : [];
  return request.items.map((item, index) => {
    const names = namesUnder(`items.${index}.`);
    const travels = toNewItem(item, names);
    if (familyOf[item.operation] === "tts") requireSaid(travels, workers, names);
    else requireTranscription(settings);
    return travels;
  });
}

function requireSaid(item: NewItem, workers: readonly SpeechAbilities[], names: SpeechFieldNames): void {
  const { operation, text = "", voice, instructions = "", referenceText = "", xVectorOnly = false } = item;
  const { language = "auto", file } = item;
  const wishes = { operation, text, voice, instructions, referenceText, xVectorOnly };
  requireSpeakable({ ...wishes, language, hasReference: file !== undefined }, workers, names);
}

function toSubmission(request: SubmitRequest, items: readonly NewItem[], itemIds: readonly string[]): Submission {
  return {
    label: request.label,
    lane: "batch",
    items: items.map((item, index) => ({ itemId: itemIds[index] ?? String(index), ...item })),
  };
}
