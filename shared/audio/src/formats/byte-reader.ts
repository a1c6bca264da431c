/**
 * Encoded audio as it arrives, in slices of at most 64 KiB, with a look ahead. Whatever the chunks of the source are, a decoder
 * sees small ones, so that its memory and its time between two awaits stay small.
 */
import { SpeechError } from "@parlance/contracts";

export interface ByteReader {
  /** How many bytes there are altogether, where the source knows it. */
  readonly total: number | undefined;
  /** Bytes read or skipped so far. */
  readonly position: number;
  /** The next bytes, without consuming them: fewer than `count` only when the source ends there. */
  peek(count: number): Promise<Uint8Array>;
  /** Resolves to how many bytes could be skipped. */
  skip(count: number): Promise<number>;
  /** At most `most` bytes (default and maximum 64 KiB); undefined at the end. */
  read(most?: number): Promise<Uint8Array | undefined>;
}

export interface ByteReaderOptions {
  total?: number | undefined;
  /** More bytes than this are `audio_too_large`. */
  maxBytes: number;
  /** Let the event loop turn between slices: for decoding inside a process that has other work. */
  yields?: boolean;
}

const SLICE = 65_536;
const EMPTY: Uint8Array = new Uint8Array(0);

export function createByteReader(source: AsyncIterable<Uint8Array>, options: ByteReaderOptions): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let held = EMPTY;
  let position = 0;
  let arrived = 0;
  let ended = false;

  async function more(): Promise<Uint8Array | undefined> {
    while (!ended) {
      const next = await iterator.next();
      if (next.done === true) {
        ended = true;
        return undefined;
      }
      arrived += next.value.length;
      if (arrived > options.maxBytes) {
        throw new SpeechError("audio_too_large", `The audio file is larger than ${options.maxBytes} bytes.`);
      }
      if (next.value.length > 0) return next.value;
    }
    return undefined;
  }

  function consume(count: number): Uint8Array {
    const slice = held.subarray(0, count);
    held = held.subarray(count);
    position += slice.length;
    return slice;
  }

  return {
    total: options.total,
    get position() {
      return position;
    },
    async peek(count) {
      while (held.length < count) {
        const chunk = await more();
        if (chunk === undefined) break;
        held = held.length === 0 ? chunk : joinBytes(held, chunk);
      }
      return held.subarray(0, count);
    },
    async skip(count) {
      let skipped = 0;
      while (skipped < count) {
        if (held.length === 0) held = (await more()) ?? EMPTY;
        if (held.length === 0) break;
        skipped += consume(count - skipped).length;
      }
      return skipped;
    },
    async read(most = SLICE) {
      if (held.length === 0) held = (await more()) ?? EMPTY;
      if (held.length === 0) return undefined;
      if (options.yields === true && position > 0) await new Promise<void>((resolve) => setImmediate(resolve));
      return consume(Math.min(most, SLICE));
    },
  };
}

export function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** What is left in the reader, in slices of at most `most` bytes. */
export async function* remaining(reader: ByteReader, most?: number): AsyncGenerator<Uint8Array, void> {
  for (let bytes = await reader.read(most); bytes !== undefined; bytes = await reader.read(most)) yield bytes;
}
