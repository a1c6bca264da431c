/** MP3 by mpg123 (as WebAssembly). A frame count in the first frame (Xing, Info) tells whether the file is whole. */
import { remaining } from "./byte-reader.ts";
import { runCodec } from "./chunk-codec.ts";
import type { Decode } from "./format.ts";

/** A second of sound takes 1 000 bytes or more, so that a slice decodes to 16 s at most. */
const SLICE = 16_384;

export const decodeMp3: Decode = async function* (reader, context) {
  const seconds = readXingSeconds(await reader.peek(256));
  if (seconds !== undefined) context.declare(seconds);
  const { decoder } = await import("@audio/decode-mp3");
  yield* runCodec(await decoder(), remaining(reader, SLICE));
};

const rates = [44_100, 48_000, 32_000];

function readXingSeconds(frame: Uint8Array): number | undefined {
  const [a = 0, b = 0, c = 0] = frame;
  const rate = rates[(c >> 2) & 3];
  if (a !== 0xff || (b & 0xe0) !== 0xe0 || rate === undefined) return undefined;
  const mpeg1 = (b & 0x18) === 0x18;
  const divisor = mpeg1 ? 1 : (b & 0x18) === 0x10 ? 2 : 4;
  const at = Buffer.from(frame)
    .toString("latin1")
    .search(/Xing|Info/);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (at < 0 || at + 12 > frame.length || (view.getUint32(at + 4) & 1) === 0) return undefined;
  return (view.getUint32(at + 8) * (mpeg1 ? 1_152 : 576) * divisor) / rate;
}
