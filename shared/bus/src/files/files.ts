/** Files as callers see them: whole, by ranges of bytes, and part by part. */
import type { StreamState } from "../streams/messages.ts";

/** Most bytes of one part. */
export const FILE_CHUNK_BYTES = 256 * 1024;

export interface FileInfo {
  id: string;
  bytes: number;
  contentType: string;
  /** The caller's own name for it; never a path. */
  filename: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

/** Files part by part, each with a request of its own. */
export interface FileParts {
  /**
   * Stores a part behind what is stored, and returns where the next one begins. A part that is there already changes nothing. Throws
   * `upload_incomplete` when it begins elsewhere.
   */
  append(id: string, offset: number, part: Uint8Array): Promise<number>;
  /** Makes a file of the parts. Throws `upload_incomplete` when they are not as long, `upload_differs` by their checksum (hex). */
  finish(file: {
    id: string;
    contentType: string;
    filename: string;
    bytes: number;
    sha256?: string | undefined;
  }): Promise<FileInfo>;
  /** A part of a file, the first one or the one that `next` of a part before names. Undefined when there is no such file. */
  readPart(
    id: string,
    next?: string,
  ): Promise<{ info: FileInfo; offset: number; data: Uint8Array; next: string | undefined } | undefined>;
}

/** Bytes of a file from `start` up to and without `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface FileStore extends FileParts {
  /** Streams into the bucket. Throws `payload_too_large` beyond `maxBytes` and leaves nothing behind. */
  put(
    file: {
      id: string;
      contentType: string;
      filename: string;
      maxBytes: number;
    },
    content: AsyncIterable<Uint8Array>,
  ): Promise<FileInfo>;
  info(id: string): Promise<FileInfo | undefined>;
  /**
   * Undefined when there is no such file. Errors when reading stalls (an object whose chunks are gone never ends). What lies before a
   * range is read and thrown away, and only a whole file is checked against its checksum.
   */
  read(id: string, range?: ByteRange): Promise<{ info: FileInfo; content: AsyncIterable<Uint8Array> } | undefined>;
  delete(id: string): Promise<void>;
  /** All at once: for a bucket of few. */
  list(): Promise<FileInfo[]>;
  /** Files that were stored, and not touched again, before a moment: the oldest first. `time`: milliseconds since the epoch. */
  storedBefore(time: number): AsyncIterable<FileInfo>;
  /** Of the whole bucket: how much it holds, and may hold. */
  state(): Promise<StreamState>;
  /** Deletes the parts of uploads that were never finished (their writer died) and are older than this. Returns how many. */
  sweep(olderThanMs: number): Promise<number>;
}
