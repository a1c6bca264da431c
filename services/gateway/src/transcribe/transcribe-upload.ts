/**
 * One audio in a form, transcribed while its caller waits: what all upload endpoints have in common. It is received (`withUpload`),
 * and then run: until its transcript is there (`transcribe`), or told as it comes (stream/). It runs in the turn of the model that it
 * names (models/requested-models.ts), as another batch when another model has answered.
 */
import {
  type ItemDone,
  type Language,
  SpeechError,
  type Submission,
  type Transcript,
  type WorkerState,
  writeHeaders,
} from "@parlance/contracts";
import type { Context } from "koa";
import { acceptAudio, acceptBatch, ONLY_ITEM } from "../batch/accept-batch.ts";
import { type FollowedBatch, transcriptOf, withFollowedBatch } from "../batch/interactive.ts";
import type { ReceivedAudio } from "../files/receive-audio.ts";
import { type GatewayContext, requireTranscription, whileConnected } from "../gateway-context.ts";
import { FORM_BYTES, readForm } from "../http/form.ts";
import { type FollowedText, followText } from "./stream/follow-text.ts";
import { createUploadText, type UploadText } from "./upload-text.ts";

/** What its part claims to be is not passed on: a type of text would have it spoken, one of JSON taken for a submission. */
const asAudio = { contentType: "application/octet-stream", operation: "transcribe" };

export interface UploadWishes {
  language: Language;
  timestamps: boolean;
  context: string;
  translate?: boolean;
  temperature?: number;
  logprobs?: boolean;
  /** The text is read as it comes. */
  parts?: boolean;
}

export interface UploadOptions<Fields> {
  fileFields: readonly string[];
  /** Fields of which a beginning is enough. */
  cutFields?: readonly string[];
  /** Throws when a field is wrong; called before anything is published. */
  readFields: (fields: ReadonlyMap<string, readonly string[]>) => Fields | Promise<Fields>;
  wishes: (fields: Fields) => UploadWishes;
  /** The name of the model that is wanted. Default: whichever runs. */
  model?: (fields: Fields) => string | undefined;
  /** Throws when the model that is there cannot do what is wanted, by what the workers say; called before anything is published. */
  requireAble?: (fields: Fields, workers: readonly WorkerState[]) => void;
}

/** A form that was received: its fields are right, and its audio is not published yet. */
export interface Upload<Fields> {
  fields: Fields;
  wishes: UploadWishes;
  text: Pick<UploadText, "listen" | "next" | "rest">;
  /**
   * Publishes the audio, then does `until`. When that throws, the batch is cancelled: `gone` aborts with its caller. When it throws
   * that another model has answered, and nothing was told of it, both are done again.
   */
  run<T>(wishes: UploadWishes, until: (gone: AbortSignal) => Promise<T>): Promise<T>;
}

export interface TranscribedUpload<Fields> {
  fields: Fields;
  transcript: Transcript;
  done: ItemDone;
}

/** Receives a form and does `work` with it. What waits for it is begun before the body is read. */
export async function withUpload<Fields, T>(
  ctx: Context,
  gateway: GatewayContext,
  options: UploadOptions<Fields>,
  work: (upload: Upload<Fields>) => Promise<T>,
): Promise<T> {
  requireTranscription(gateway.settings);
  const { audio, bus, settings, metrics } = gateway;
  const gone = whileConnected(ctx, gateway);
  const withBatch = <R>(use: (batch: FollowedBatch<FollowedText>) => Promise<R>) =>
    withFollowedBatch(ctx, gateway, "asr", (batchId) => followText(bus, batchId, ONLY_ITEM), use);
  return await withBatch(async (first) => {
    gateway.bodies.take(ctx, FORM_BYTES);
    const form = await readForm(ctx.req, {
      fileFields: options.fileFields,
      cutFields: options.cutFields,
      maxFileBytes: settings.MAX_UPLOAD_BYTES,
      take: audio.receive,
      discard: audio.discard,
    });
    const received = form.taken;
    try {
      const fields = await options.readFields(form.fields);
      if (received.kind === "inline") metrics.uploadedBytes.inc(received.bytes.length);
      const text = createUploadText(first.events);
      return await work({
        fields,
        wishes: options.wishes(fields),
        text,
        run: (wishes, until) =>
          gateway.requested.inTurn(options.model?.(fields), gone, async (turn) => {
            if (options.requireAble !== undefined) options.requireAble(fields, await turn.workers());
            const runIn = async ({ batchId, events, follow }: FollowedBatch<FollowedText>) => {
              events.require(turn.isMeant);
              return await follow(() => publishAudio(gateway, batchId, received, wishes), 1, until);
            };
            if (turn.run === 1) return await runIn(first);
            return await withBatch(async (again) => {
              text.become(again.events);
              return await runIn(again);
            });
          }),
      });
    } finally {
      // The file was for this request alone. Where ingest still needs it, the batch was cancelled.
      audio.discard(received).catch(() => undefined);
    }
  });
}

/** Waits for the whole transcript, at most REQUEST_TIMEOUT. */
export async function transcribe<Fields>(
  gateway: GatewayContext,
  { fields, wishes, text, run }: Upload<Fields>,
): Promise<TranscribedUpload<Fields>> {
  const heard = await run(wishes, (gone) => text.next(gateway.settings.REQUEST_TIMEOUT * 1_000, gone));
  if (!("done" in heard)) throw new SpeechError("internal", "A text was told that nobody asked for.");
  return { fields, done: heard.done, transcript: await transcriptOf(heard.done, gateway) };
}

/** Receives a form and waits for its transcript. */
export async function transcribeUpload<Fields>(
  ctx: Context,
  gateway: GatewayContext,
  options: UploadOptions<Fields>,
): Promise<TranscribedUpload<Fields>> {
  return await withUpload(ctx, gateway, options, (upload) => transcribe(gateway, upload));
}

async function publishAudio(
  { bus, notebook, now }: GatewayContext,
  batchId: string,
  received: ReceivedAudio,
  wishes: UploadWishes,
): Promise<void> {
  if (received.kind === "inline") {
    const headers = writeHeaders({ ...asAudio, ...wishes, lane: "interactive" });
    await acceptAudio(bus, batchId, { bytes: received.bytes, headers });
    return;
  }
  const submission: Submission = {
    label: "",
    lane: "interactive",
    items: [
      {
        itemId: ONLY_ITEM,
        operation: "transcribe",
        file: received.fileId,
        text: "",
        ...wishes,
        hotwords: [],
        phrases: [],
      },
    ],
  };
  await acceptBatch({ bus, notebook }, batchId, submission, now());
}
