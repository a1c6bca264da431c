/**
 * What a publisher may ask, beside the status of a batch: what was told of it so far, its cancelling, and files in parts. So a program
 * with nothing but a NATS client can do all that REST's callers can.
 *
 * It is a part of the results service because of what that may do already: it writes `files`, `batches` and nothing that makes work, it
 * reads outcomes, and it answers requests. The gateway, which could do the same, listens to no requests, and ingest does not write
 * files: the desk would have widened either. It keeps no state: what is half done lies in the bucket, so any instance answers.
 */
import { type BatchNotebook, type Bus, type FileStore, type ServeRequestsOptions, serveRequests } from "@parlance/bus";
import { batchIdSchema, SpeechError } from "@parlance/contracts";
import { cancelBatch } from "./cancel-request.ts";
import { readFilePart } from "./file-request.ts";
import { readHistory } from "./history.ts";
import { answerUpload } from "./upload-request.ts";

export interface PublisherDeskOptions {
  bus: Bus;
  notebook: BatchNotebook;
  files: FileStore;
  /** Milliseconds for which a file can be fetched. */
  fileTtlMs: number;
  maxUploadBytes: number;
  now: () => number;
}

export function servePublishers(requests: ServeRequestsOptions, options: PublisherDeskOptions): void {
  serveRequests(requests, "history", async ({ tokens, source, data, respond }) => {
    respond(JSON.stringify(await readHistory(options, { batchId: readBatchId(tokens[0]), source, data })));
  });
  serveRequests(requests, "cancel", async ({ tokens, source, respond }) => {
    respond(JSON.stringify(await cancelBatch(options, readBatchId(tokens[0]), source)));
  });
  serveRequests(requests, "upload", async ({ tokens, data, respond }) => {
    respond(JSON.stringify(await answerUpload(options, tokens, data)));
  });
  serveRequests(requests, "file", async ({ tokens, data, respond }) => {
    const part = await readFilePart(options, tokens.join("."), data);
    respond(part.data, part.headers);
  });
}

/** Throws `batch_not_found`: no batch has such an id. */
function readBatchId(token: string | undefined): string {
  const parsed = batchIdSchema.safeParse(token);
  if (!parsed.success) throw new SpeechError("batch_not_found");
  return parsed.data;
}
