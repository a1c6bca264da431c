/** A file's content as the parts that the bucket holds: cut into them, and read out of them. */
import { createHash } from "node:crypto";
import { SpeechError } from "@parlance/contracts";
import type { Link } from "../link/link.ts";
import { readStream } from "../streams/read.ts";
import type { ByteRange } from "./files.ts";
import type { StoredObject } from "./stored-object.ts";

/** Of a whole file the checksum is checked; what lies before a range is read and thrown away. */
export async function* readChunks(
  link: Link,
  stream: string,
  subject: string,
  { name, chunks, digest }: StoredObject,
  range?: ByteRange,
): AsyncGenerator<Uint8Array, void> {
  if (chunks === 0) return;
  const hash = createHash("sha256");
  let seen = 0;
  let at = 0;
  for await (const { data } of readStream(link, { stream, subject, oneByOne: true, toNewest: true })) {
    seen++;
    if (range === undefined) {
      hash.update(data);
      yield data;
      // There are no more, and nobody need be asked.
      if (seen === chunks) break;
      continue;
    }
    const part = data.subarray(Math.max(0, range.start - at), Math.max(0, range.end - at));
    at += data.byteLength;
    if (part.byteLength > 0) yield part;
    if (at >= range.end) return;
  }
  if (seen !== chunks) {
    throw new SpeechError(
      "file_not_found",
      `File ${name} is no longer whole: ${seen} of its ${chunks} parts are there.`,
    );
  }
  const expected = digest.replace(/^SHA-256=/, "").replace(/=+$/, "");
  if (expected !== "" && hash.digest("base64url") !== expected) {
    throw new SpeechError("internal", `File ${name} is not what was stored: its checksum differs.`);
  }
}

export async function* countBytes(
  content: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const part of content) {
    count(part.byteLength);
    yield part;
  }
}

/** Cuts a stream of parts of any size into parts of `size` bytes; the last one may be shorter. Parts are copied. */
export async function* inChunks(content: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void> {
  let buffer = new Uint8Array(size);
  let filled = 0;
  for await (const part of content) {
    let offset = 0;
    while (offset < part.byteLength) {
      const taken = Math.min(size - filled, part.byteLength - offset);
      buffer.set(part.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled === size) {
        yield buffer;
        buffer = new Uint8Array(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
