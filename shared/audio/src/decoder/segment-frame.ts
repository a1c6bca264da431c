/** A segment as bytes on the pipe. Both sides are the same machine: numbers are in its byte order. */
import type { Segment } from "../samples/segment.ts";

const HEADER_BYTES = 32;

/** The parts of one frame; nothing is copied. */
export function packSegment({ n, start, samples, length, last }: Segment): [header: Uint8Array, pcm: Uint8Array] {
  const header = Float64Array.of(n, start, length, last ? 1 : 0);
  return [new Uint8Array(header.buffer), new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)];
}

export function unpackSegment(payload: Uint8Array): Segment {
  const [n = 0, start = 0, length = 0, last = 0] = new Float64Array(
    new Uint8Array(payload.subarray(0, HEADER_BYTES)).buffer,
  );
  return { n, start, length, last: last === 1, samples: toSamples(payload.subarray(HEADER_BYTES)) };
}

function toSamples(bytes: Uint8Array): Int16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Int16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}
