/** POST /api/v1/files/upload and GET /api/v1/files/{id}. */
import type Router from "@koa/router";
import type { FileInfo } from "@parlance/bus";
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
import * as z from "zod";
import { type GatewayContext, whileConnected } from "../gateway-context.ts";
import { FORM_BYTES, readForm } from "../http/form.ts";
import { readFields } from "../http/form-fields.ts";
import { isKnown, isSameFile, readRange } from "./byte-range.ts";
import { sendContent } from "./send-content.ts";

/** An upload is its file alone. */
const uploadFormSchema = z.object({});

export function addFiles(router: Router, gateway: GatewayContext): void {
  const { files, settings, audio, metrics, bodies } = gateway;

  router.post("/api/v1/files/upload", async (ctx) => {
    bodies.take(ctx, FORM_BYTES);
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
  await serveBytes(ctx, info, gateway);
}

/** The whole of it or the part that is asked for. A file never changes under its id, unless it is written anew. */
async function serveBytes(ctx: Context, info: FileInfo, gateway: GatewayContext): Promise<void> {
  const etag = `"${info.createdAt.toString(36)}-${info.bytes.toString(36)}"`;
  ctx.set("ETag", etag);
  ctx.set("Accept-Ranges", "bytes");
  if (isKnown(ctx.get("If-None-Match"), etag)) {
    ctx.status = 304;
    return;
  }
  // A range is of GET alone.
  const asked = ctx.method === "GET" && isSameFile(ctx.get("If-Range"), etag) ? ctx.get("Range") : "";
  const range = readRange(asked, info.bytes);
  if (range === "unsatisfiable") {
    ctx.set("Content-Range", `bytes */${info.bytes}`);
    throw new SpeechError("range_unsatisfiable", `The file has ${info.bytes} bytes.`, { param: "Range" });
  }
  const { start, end } = range ?? { start: 0, end: info.bytes };
  ctx.status = range === undefined ? 200 : 206;
  if (range !== undefined) ctx.set("Content-Range", `bytes ${start}-${end - 1}/${info.bytes}`);
  ctx.length = end - start;
  if (ctx.method === "HEAD") return;
  const file = await gateway.files.read(info.id, range);
  if (file === undefined) throw new SpeechError("file_expired");
  await sendContent(ctx, file.content, whileConnected(ctx, gateway));
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
  await serveBytes(ctx, info, gateway);
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
