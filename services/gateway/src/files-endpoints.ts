/** POST /api/v1/files/upload and GET /api/v1/files/{id}. */
import { Readable } from "node:stream";
import type Router from "@koa/router";
import {
  fileIdSchema,
  type ItemDone,
  itemDoneSchema,
  parseAudioFileId,
  parseTranscriptFileId,
  SpeechError,
  streams,
  subjects,
  uploadedAt,
} from "@parlance/contracts";
import type { Context } from "koa";
import { readForm } from "./form.ts";
import { readFields, uploadFormSchema } from "./form-fields.ts";
import type { GatewayContext } from "./gateway-context.ts";

export function addFiles(router: Router, gateway: GatewayContext): void {
  const { files, settings, audio, metrics } = gateway;

  router.post("/api/v1/files/upload", async (ctx) => {
    const { taken, fields } = await readForm(ctx.req, {
      fileFields: ["file"],
      maxFileBytes: settings.MAX_UPLOAD_BYTES,
      take: audio.store,
      discard: ({ fileId }) => files.delete(fileId),
    });
    readFields(ctx, uploadFormSchema, fields);
    metrics.uploadedBytes.inc(taken.bytes);
    ctx.body = { file_id: taken.fileId };
  });

  // HEAD comes with GET.
  router.get("/api/v1/files/:id", async (ctx) => {
    const id = fileIdSchema.safeParse(ctx.params.id);
    if (!id.success) throw new SpeechError("file_not_found");
    ctx.set("X-Content-Type-Options", "nosniff");
    ctx.set("Content-Security-Policy", "default-src 'none'; sandbox");
    ctx.set("Cache-Control", "private, no-store");
    const transcript = parseTranscriptFileId(id.data);
    const audio = parseAudioFileId(id.data);
    if (transcript !== undefined) await serveTranscript(ctx, transcript, gateway);
    else if (audio !== undefined) await serveSpeech(ctx, id.data, audio, gateway);
    else await serveFile(ctx, id.data, gateway);
  });
}

async function serveFile(ctx: Context, id: string, gateway: GatewayContext): Promise<void> {
  const info = await gateway.files.info(id);
  if (info === undefined) {
    const createdAt = uploadedAt(id);
    if (createdAt !== undefined) refuseOld(createdAt, gateway);
    throw new SpeechError("file_not_found");
  }
  refuseOld(info.createdAt, gateway);
  ctx.attachment(info.filename || id);
  ctx.set("Content-Type", harmless(info.contentType));
  ctx.length = info.bytes;
  await sendContent(ctx, id, gateway);
}

/** A spoken item's file; where there is none, why there is none. */
async function serveSpeech(ctx: Context, id: string, item: ItemAddress, gateway: GatewayContext): Promise<void> {
  if ((await gateway.files.info(id)) === undefined) {
    const done = await readDone(item, gateway);
    if (done === undefined) {
      throw new SpeechError("file_not_found", "No audio has this id: the item is not done, or does not exist.");
    }
    if (done.status !== "done") {
      throw new SpeechError("file_not_found", `The item has no audio: ${done.error?.message ?? "it failed"}`);
    }
    if (done.audio?.file === id) throw new SpeechError("file_expired");
  }
  await serveFile(ctx, id, gateway);
}

interface ItemAddress {
  batchId: string;
  itemId: string;
}

async function readDone({ batchId, itemId }: ItemAddress, { bus }: GatewayContext): Promise<ItemDone | undefined> {
  const event = await bus.last(streams.results, subjects.done(batchId, itemId));
  return event && itemDoneSchema.parse(JSON.parse(Buffer.from(event.data).toString()));
}

async function serveTranscript(ctx: Context, { batchId, itemId }: ItemAddress, gateway: GatewayContext): Promise<void> {
  const event = await gateway.bus.last(streams.results, subjects.done(batchId, itemId));
  if (event === undefined) {
    throw new SpeechError("file_not_found", "No transcript has this id: the item is not done, or does not exist.");
  }
  const done = itemDoneSchema.parse(JSON.parse(Buffer.from(event.data).toString()));
  if (done.status !== "done") {
    throw new SpeechError("file_not_found", `The item has no transcript: ${done.error?.message ?? "it failed"}`);
  }
  refuseOld(event.time, gateway);
  ctx.type = "application/json";
  if (done.transcript !== undefined) {
    ctx.body = JSON.stringify(done.transcript);
    return;
  }
  if (done.file === undefined) throw new SpeechError("internal", "A done event holds neither a transcript nor a file.");
  const info = await gateway.files.info(done.file);
  if (info === undefined) throw new SpeechError("file_expired");
  ctx.length = info.bytes;
  await sendContent(ctx, done.file, gateway);
}

async function sendContent(ctx: Context, id: string, { files }: GatewayContext): Promise<void> {
  ctx.status = 200;
  if (ctx.method === "HEAD") return;
  const { length, type } = ctx.response;
  const file = await files.read(id);
  if (file === undefined) throw new SpeechError("file_expired");
  const contentType = ctx.response.get("Content-Type") || type;
  ctx.body = Readable.from(file.content, { objectMode: false });
  // Koa takes a stream for bytes of unknown length and type.
  ctx.set("Content-Type", contentType);
  if (length !== undefined) ctx.length = length;
}

function refuseOld(createdAt: number, { settings, now }: GatewayContext): void {
  const expiredAt = createdAt + settings.FILE_TTL * 1_000;
  if (expiredAt > now()) return;
  throw new SpeechError(
    "file_expired",
    `The file expired at ${new Date(expiredAt).toISOString()}: files can be fetched for ${settings.FILE_TTL} s.`,
  );
}

/** What an uploader calls its file is never something that a browser would run. */
function harmless(contentType: string): string {
  return /^(audio|video)\/[\w.+-]+$/.test(contentType) ? contentType : "application/octet-stream";
}
