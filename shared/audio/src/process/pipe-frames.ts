/** The pipe between a service and a bounded process: frames of one type byte, four length bytes (little-endian) and a payload. */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

export interface Frame {
  type: number;
  payload: Uint8Array;
}

const HEADER_BYTES = 5;
const EMPTY = new Uint8Array(0);

/** Does not wait for room: for who waits for an answer. Of a stream whose other side is gone nothing comes. */
export function sendFrame(stream: Writable, type: number, ...parts: Uint8Array[]): void {
  if (stream.destroyed) return;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = type;
  header.writeUInt32LE(
    parts.reduce((sum, part) => sum + part.length, 0),
    1,
  );
  stream.cork();
  stream.write(header);
  for (const part of parts) stream.write(part);
  stream.uncork();
}

/** Resolves when there is room for more. Throws when the other side is gone. */
export async function writeFrame(stream: Writable, type: number, ...parts: Uint8Array[]): Promise<void> {
  if (stream.destroyed) throw new Error("the pipe is closed");
  sendFrame(stream, type, ...parts);
  if (!stream.writableNeedDrain) return;
  const controller = new AbortController();
  const { signal } = controller;
  try {
    await Promise.race([once(stream, "drain", { signal }), once(stream, "close", { signal })]);
  } finally {
    controller.abort();
  }
  if (stream.destroyed) throw new Error("the pipe is closed");
}

export async function* readFrames(stream: Readable): AsyncGenerator<Frame, void> {
  const chunks: Buffer[] = [];
  let held = 0;
  let needed = HEADER_BYTES;
  let type: number | undefined;

  function take(count: number): Buffer {
    const [first] = chunks;
    const all = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    chunks.length = 0;
    held -= count;
    if (held > 0) chunks.push(all.subarray(count));
    return all.subarray(0, count);
  }

  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= needed) {
      if (type === undefined) {
        const header = take(HEADER_BYTES);
        type = header.readUInt8(0);
        needed = header.readUInt32LE(1);
        if (needed > 0) continue;
      }
      const frame: Frame = { type, payload: needed === 0 ? EMPTY : take(needed) };
      type = undefined;
      needed = HEADER_BYTES;
      yield frame;
    }
  }
}
