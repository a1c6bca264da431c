/** How a file is described in its bucket, by the public layout of object stores (ADR-20). */
import * as z from "zod";
import { FILE_CHUNK_BYTES, type FileInfo } from "./files.ts";

const METADATA = { contentType: "content-type", filename: "filename", createdAt: "created-at" } as const;

const objectSchema = z.object({
  name: z.string(),
  nuid: z.string(),
  size: z.number(),
  chunks: z.number(),
  digest: z.string().default(""),
  deleted: z.boolean().default(false),
  mtime: z.string().default(""),
  metadata: z.record(z.string(), z.string()).default({}),
});
export type StoredObject = z.infer<typeof objectSchema>;

export function describeNew(bucket: string, info: FileInfo, chunksId: string, chunks: number, sha256: Buffer): string {
  return JSON.stringify({
    name: info.id,
    bucket,
    nuid: chunksId,
    size: info.bytes,
    chunks,
    digest: `SHA-256=${padded(sha256.toString("base64url"))}`,
    mtime: new Date(info.createdAt).toISOString(),
    deleted: false,
    options: { max_chunk_size: FILE_CHUNK_BYTES },
    metadata: {
      [METADATA.contentType]: info.contentType,
      [METADATA.filename]: info.filename,
      [METADATA.createdAt]: String(info.createdAt),
    },
  });
}

export function parseObject({ data }: { data: Uint8Array }): StoredObject {
  return objectSchema.parse(JSON.parse(new TextDecoder().decode(data)));
}

export function infoOf(object: StoredObject): FileInfo {
  return {
    id: object.name,
    bytes: object.size,
    contentType: object.metadata[METADATA.contentType] ?? "application/octet-stream",
    filename: object.metadata[METADATA.filename] ?? "",
    createdAt: Number(object.metadata[METADATA.createdAt] ?? Date.parse(object.mtime)) || 0,
  };
}

export function base64url(text: string): string {
  return padded(Buffer.from(text).toString("base64url"));
}

/** The object store pads its base64url. */
function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}
