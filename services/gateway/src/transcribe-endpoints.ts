/** POST /api/v1/transcribe and POST /api/v1/transcribe/file. */
import type Router from "@koa/router";
import {
  contextOf,
  type ItemDone,
  type TranscribeRequest,
  toSpeechError,
  transcribeRequestSchema,
} from "@parlance/contracts";
import { acceptBatch } from "./accept-batch.ts";
import { readFields, transcribeFormSchema } from "./form-fields.ts";
import { type GatewayContext, refuseExpired, requireTranscription } from "./gateway-context.ts";
import { transcriptOf, withInteractiveBatch } from "./interactive.ts";
import { transcribeUpload } from "./transcribe-upload.ts";

export function addTranscribe(router: Router, gateway: GatewayContext): void {
  const { bus, batches, readJson, settings, now } = gateway;

  router.post("/api/v1/transcribe", async (ctx) => {
    const began = performance.now();
    requireTranscription(settings);
    const request = await readJson(ctx, transcribeRequestSchema);
    for (const [index, { file_id }] of request.files.entries()) {
      refuseExpired(file_id, `files.${index}.file_id`, gateway);
    }
    const items = await withInteractiveBatch(ctx, gateway, async ({ batchId, run }) => {
      const publish = () => acceptBatch({ bus, batches }, batchId, toSubmission(request), now());
      const done = await run(publish, request.files.length);
      return Promise.all(
        request.files.map((file, index) => transcribedItem(file.custom_id, done.get(String(index)), gateway)),
      );
    });
    ctx.body = { items, performance: secondsSince(began) };
  });

  router.post("/api/v1/transcribe/file", async (ctx) => {
    const began = performance.now();
    const { transcript } = await transcribeUpload(ctx, gateway, {
      fileFields: ["audio", "file"],
      readFields: (fields) => readFields(transcribeFormSchema, fields),
      wishes: (fields) => ({
        language: fields.language,
        timestamps: fields.return_timestamps,
        context: contextOf(fields),
      }),
    });
    ctx.body = {
      text: transcript.text,
      language: transcript.language,
      timestamps: transcript.timestamps ?? null,
      performance: secondsSince(began),
    };
  });
}

function toSubmission(request: TranscribeRequest) {
  return {
    label: "",
    lane: "interactive" as const,
    items: request.files.map(({ file_id, custom_id }, index) => ({
      itemId: String(index),
      ...(custom_id === undefined ? {} : { customId: custom_id }),
      operation: "transcribe" as const,
      file: file_id,
      text: "",
      language: request.language,
      timestamps: request.return_timestamps,
      hotwords: [],
      phrases: [],
      context: contextOf(request),
    })),
  };
}

/** A file that could not be transcribed does not spoil the others. */
async function transcribedItem(customId: string | undefined, done: ItemDone | undefined, gateway: GatewayContext) {
  const named = { custom_id: customId ?? null };
  try {
    const { text, language, timestamps } = await transcriptOf(done, gateway);
    return { ...named, text, language, timestamps: timestamps ?? null, error: null };
  } catch (error) {
    return { ...named, text: "", language: "", timestamps: null, error: toSpeechError(error).message };
  }
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1_000;
}
