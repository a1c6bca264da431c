/**
 * Uploads over subjects, for what does not fit one message: `begin` makes an id, parts follow in order, `end` makes the file. A part or
 * an end that is sent again, because no answer came, changes nothing. An upload that is not ended within FILE_TTL is refused, and what
 * came of it is swept.
 */
import { FILE_CHUNK_BYTES, type FileStore } from "@parlance/bus";
import {
  fileIdSchema,
  SpeechError,
  timedId,
  type UploadBegun,
  type UploadPart,
  type UploadResponse,
  uploadEndRequestSchema,
  uploadedAt,
} from "@parlance/contracts";
import { readBody } from "./request-body.ts";

export interface UploadOptions {
  files: FileStore;
  fileTtlMs: number;
  maxUploadBytes: number;
  now: () => number;
}

type Answer = UploadBegun | UploadPart | UploadResponse;

/** @param tokens what follows `upload` in the subject: `begin`, `<file id>.<offset>` or `<file id>.end`. */
export async function answerUpload(options: UploadOptions, tokens: string[], data: Uint8Array): Promise<Answer> {
  const { files, maxUploadBytes, now } = options;
  const [id = "", what, ...more] = tokens;
  if (id === "begin" && what === undefined) {
    return { file_id: timedId(now()), part_bytes: FILE_CHUNK_BYTES, max_bytes: maxUploadBytes };
  }
  if (more.length > 0 || what === undefined) throw new SpeechError("not_found", "An upload has no such request.");
  requireBegun(fileIdSchema.parse(id), options);
  if (what === "end") {
    const { body, told } = readBody(uploadEndRequestSchema, data);
    const { bytes, sha256, content_type: contentType, filename } = body;
    await files.finish({ id, contentType, filename, bytes, sha256 });
    return { file_id: id, ...told };
  }
  if (!/^\d{1,15}$/.test(what)) {
    throw new SpeechError("validation_failed", "offset: must be a number of bytes, or `end`", { param: "offset" });
  }
  const offset = Number(what);
  if (data.byteLength === 0) throw new SpeechError("validation_failed", "A part must hold at least one byte.");
  if (data.byteLength > FILE_CHUNK_BYTES) {
    throw new SpeechError("payload_too_large", `A part must not hold more than ${FILE_CHUNK_BYTES} bytes.`);
  }
  if (offset + data.byteLength > maxUploadBytes) {
    throw new SpeechError("payload_too_large", `The file is larger than ${maxUploadBytes} bytes.`);
  }
  return { next: await files.append(id, offset, data) };
}

/** An id tells when it was made, so nothing has to be remembered of an upload that has only begun. */
function requireBegun(id: string, { fileTtlMs, now }: UploadOptions): void {
  const begun = uploadedAt(id);
  if (begun === undefined) throw new SpeechError("file_not_found", "No upload has this id: begin one.");
  if (begun + fileTtlMs <= now()) {
    throw new SpeechError("file_expired", "The upload was not ended in time: begin it again.");
  }
}
