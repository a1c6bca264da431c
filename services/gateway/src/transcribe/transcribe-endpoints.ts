/** POST /api/v1/transcribe and POST /api/v1/transcribe/file. */
import type Router from "@koa/router";
import {
  contextOf,
  type ItemDone,
  SpeechError,
  type TranscribeRequest,
  toSpeechError,
  type transcribedItemSchema,
  transcribeRequestSchema,
} from "@parlance/contracts";
import type * as z from "zod";
import { acceptBatch } from "../batch/accept-batch.ts";
import { transcriptOf, withInteractiveBatch } from "../batch/interactive.ts";
import { requireFiles } from "../files/known-files.ts";
import { type GatewayContext, requireTranscription } from "../gateway-context.ts";
import { readFields } from "../http/form-fields.ts";
import { noteWarnings } from "../http/warnings.ts";
import { transcribeFormSchema } from "./transcribe-forms.ts";
import { transcribeUpload } from "./transcribe-upload.ts";

export function addTranscribe(router: Router, gateway: GatewayContext): void {
  const { bus, notebook, readJson, settings, now } = gateway;

  router.post("/api/v1/transcribe", async (ctx) => {
    const began = performance.now();
    requireTranscription(settings);
    const request = await readJson(ctx, transcribeRequestSchema);
    await requireFiles(
      request.files.map(({ file_id }, index) => ({ fileId: file_id, param: `files.${index}.file_id` })),
      gateway,
    );
    const items = await withInteractiveBatch(ctx, gateway, async ({ batchId, run }) => {
      const publish = () => acceptBatch({ bus, notebook }, batchId, toSubmission(request), now());
      const done = await run(publish, request.files.length);
      return Promise.all(
        request.files.map((file, index) => transcribedItem(file.custom_id, done.get(String(index)), gateway)),
      );
    });
    refuseWhenAllFailed(items);
    for (const { warnings } of items) noteWarnings(ctx, warnings);
    ctx.body = { items: items.map(({ item }) => item), performance: secondsSince(began) };
  });

  router.post("/api/v1/transcribe/file", async (ctx) => {
    const began = performance.now();
    const { transcript } = await transcribeUpload(ctx, gateway, {
      fileFields: ["audio", "file"],
      readFields: (fields) => readFields(ctx, transcribeFormSchema, fields),
      wishes: (fields) => ({
        language: fields.language,
        timestamps: fields.return_timestamps,
        context: contextOf(fields),
      }),
    });
    noteWarnings(ctx, transcript.warnings);
    ctx.body = {
      text: transcript.text,
      language: transcript.language,
      timestamps: transcript.timestamps ?? null,
      performance: secondsSince(began),
      segments: transcript.segments ?? null,
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

interface Transcribed {
  item: z.input<typeof transcribedItemSchema>;
  failure?: SpeechError;
  warnings?: readonly string[] | undefined;
}

/** A file that could not be transcribed does not spoil the others. Its text is null: an empty one is that of silence. */
async function transcribedItem(
  customId: string | undefined,
  done: ItemDone | undefined,
  gateway: GatewayContext,
): Promise<Transcribed> {
  const named = { custom_id: customId ?? null };
  try {
    const { text, language, timestamps = null, segments = null, warnings } = await transcriptOf(done, gateway);
    return { item: { ...named, text, language, timestamps, error: null, error_code: null, segments }, warnings };
  } catch (error) {
    const failure = toSpeechError(error);
    const { message, code } = failure;
    return {
      item: { ...named, text: null, language: "", timestamps: null, error: message, error_code: code, segments: null },
      failure,
    };
  }
}

/** Nothing was transcribed: an error as any other, of the first file. */
function refuseWhenAllFailed(items: readonly Transcribed[]): void {
  const [first] = items;
  if (first?.failure === undefined || items.some(({ failure }) => failure === undefined)) return;
  const { code, message } = first.failure;
  throw new SpeechError(code, message, { param: "files.0.file_id" });
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1_000;
}
