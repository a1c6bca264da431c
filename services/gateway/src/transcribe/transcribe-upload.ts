/** One audio in a form, transcribed while its caller waits: what both upload endpoints have in common. */
import {
  type ItemDone,
  type Language,
  SpeechError,
  type Submission,
  type Transcript,
  writeHeaders,
} from "@parlance/contracts";
import type { Context } from "koa";
import { acceptAudio, acceptBatch, ONLY_ITEM } from "../batch/accept-batch.ts";
import { transcriptOf, withInteractiveBatch } from "../batch/interactive.ts";
import type { ReceivedAudio } from "../files/receive-audio.ts";
import { type GatewayContext, requireTranscription } from "../gateway-context.ts";
import { FORM_BYTES, readForm } from "../http/form.ts";

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

export interface TranscribedUpload<Fields> {
  fields: Fields;
  transcript: Transcript;
  done: ItemDone;
}

export async function transcribeUpload<Fields>(
  ctx: Context,
  gateway: GatewayContext,
  options: {
    fileFields: readonly string[];
    /** Throws when a field is wrong; called before anything is published. */
    readFields: (fields: ReadonlyMap<string, readonly string[]>) => Fields;
    wishes: (fields: Fields) => UploadWishes;
  },
): Promise<TranscribedUpload<Fields>> {
  requireTranscription(gateway.settings);
  const { audio, settings, metrics } = gateway;
  return await withInteractiveBatch(ctx, gateway, async ({ batchId, run }) => {
    gateway.bodies.take(ctx, FORM_BYTES);
    const form = await readForm(ctx.req, {
      fileFields: options.fileFields,
      maxFileBytes: settings.MAX_UPLOAD_BYTES,
      take: audio.receive,
      discard: audio.discard,
    });
    const received = form.taken;
    try {
      const fields = options.readFields(form.fields);
      if (received.kind === "inline") metrics.uploadedBytes.inc(received.bytes.length);
      const publish = () => publishAudio(gateway, batchId, received, options.wishes(fields));
      const done = (await run(publish, 1)).get(ONLY_ITEM);
      if (done === undefined) throw new SpeechError("internal", "A batch of one ended without its item.");
      return { fields, done, transcript: await transcriptOf(done, gateway) };
    } finally {
      // The file was for this request alone. Where ingest still needs it, the batch was cancelled.
      audio.discard(received).catch(() => undefined);
    }
  });
}

async function publishAudio(
  { bus, notebook, now }: GatewayContext,
  batchId: string,
  received: ReceivedAudio,
  wishes: UploadWishes,
): Promise<void> {
  if (received.kind === "inline") {
    const headers = writeHeaders({ ...asAudio, ...wishes, lane: "interactive" });
    await acceptAudio({ bus, notebook }, batchId, { bytes: received.bytes, headers }, now());
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
