/** A part of what a done event names (a sound, a transcript that is too large for it), or of an upload; as long as REST serves it. */
import type { Bus, FileStore, HeaderPairs } from "@parlance/bus";
import {
  fileIdSchema,
  filePartHeaders,
  headerNames,
  itemDoneSchema,
  parseSegmentFileId,
  parseTranscriptFileId,
  SpeechError,
  streams,
  subjects,
} from "@parlance/contracts";

export interface FileRequestOptions {
  bus: Bus;
  files: FileStore;
  fileTtlMs: number;
  now: () => number;
}

/** @param data nothing for the first part, or the `next` of the part before. Throws `file_not_found` and `file_expired`. */
export async function readFilePart(
  { bus, files, fileTtlMs, now }: FileRequestOptions,
  fileId: string,
  data: Uint8Array,
): Promise<{ data: Uint8Array; headers: HeaderPairs }> {
  const id = fileIdSchema.safeParse(fileId).data;
  // A segment's sound is a step on the way to a file.
  if (id === undefined || parseSegmentFileId(id) !== undefined) throw new SpeechError("file_not_found");
  const part = await files.readPart(id, data.byteLength === 0 ? undefined : Buffer.from(data).toString());
  if (part === undefined) return await readTranscript(bus, id);
  const { info, offset, next } = part;
  if (info.createdAt + fileTtlMs <= now()) throw new SpeechError("file_expired");
  return { data: part.data, headers: headersOf(info.contentType, info.bytes, offset, next) };
}

/** A small transcript has no file: it lies in its item's done event. */
async function readTranscript(bus: Bus, id: string): Promise<{ data: Uint8Array; headers: HeaderPairs }> {
  const address = parseTranscriptFileId(id);
  const event = address && (await bus.last(streams.results, subjects.done(address.batchId, address.itemId)));
  const { transcript, file } =
    event === undefined ? {} : itemDoneSchema.parse(JSON.parse(Buffer.from(event.data).toString()));
  if (transcript === undefined) throw new SpeechError(file === undefined ? "file_not_found" : "file_expired");
  const data = Buffer.from(JSON.stringify(transcript));
  return { data, headers: headersOf("application/json", data.byteLength, 0, undefined) };
}

function headersOf(contentType: string, bytes: number, offset: number, next: string | undefined): HeaderPairs {
  return [
    [headerNames.contentType, contentType],
    [filePartHeaders.bytes, String(bytes)],
    [filePartHeaders.offset, String(offset)],
    ...(next === undefined ? [] : [[filePartHeaders.next, next] as const]),
  ];
}
