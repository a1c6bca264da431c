/**
 * WAV: PCM of 8 to 32 bits, 32 and 64-bit floats, µ-law, A-law, their WAVE_FORMAT_EXTENSIBLE forms, and RF64.
 *
 * Own code, so that the format most clips come in costs microseconds and is known to be bounded: every loop runs over the
 * bytes that are there, never over what a header claims.
 */
import { SpeechError } from "@parlance/contracts";
import type { Pcm } from "../samples/pcm.ts";
import { type ByteReader, joinBytes } from "./byte-reader.ts";
import { aLaw, muLaw } from "./companding.ts";
import type { DecodeContext } from "./format.ts";

export interface WavHeader {
  encoding: "pcm" | "float" | "mulaw" | "alaw";
  /** Of one sample of one channel. */
  bytesPerSample: number;
  channels: number;
  sampleRate: number;
  /** Undefined: a stream whose writer did not know the length; it goes on to the end of the file. */
  dataBytes: number | undefined;
}

export const LOWEST_RATE = 1_000;
export const HIGHEST_RATE = 768_000;
const MOST_CHANNELS = 64;
/** Writers to a pipe put 0, 0xFFFFFFFF or something just below 2 GiB (sox) where the length would be. */
const isUnknownSize = (size: number) => size === 0xffff_ffff || (size >= 0x7fff_0000 && size <= 0x7fff_ffff);

export async function* decodeWav(reader: ByteReader, context: DecodeContext): AsyncGenerator<Pcm, void> {
  const header = await readWavHeader(reader);
  const { channels, bytesPerSample, sampleRate, dataBytes } = header;
  const frame = channels * bytesPerSample;
  const frames = Math.floor((dataBytes ?? 0) / frame);
  if (dataBytes !== undefined) context.declare(frames / sampleRate, 0);

  const toMono = createMixer(header);
  let left = dataBytes === undefined ? Number.POSITIVE_INFINITY : frames * frame;
  let rest: Uint8Array | undefined;
  while (left > 0) {
    const chunk = await reader.read();
    if (chunk === undefined) break;
    const bytes = rest === undefined ? chunk : joinBytes(rest, chunk);
    const whole = Math.min(left, bytes.length - (bytes.length % frame));
    rest = whole < bytes.length ? bytes.subarray(whole) : undefined;
    left -= whole;
    if (whole > 0) yield { sampleRate, samples: toMono(bytes.subarray(0, whole)) };
  }
  if (left > 0 && dataBytes !== undefined) throw truncated(dataBytes, dataBytes - left);
  if (dataBytes !== undefined) await refuseMoreAudio(reader, rest, dataBytes - frames * frame);
}

/** Reads up to the first byte of audio. */
export async function readWavHeader(reader: ByteReader): Promise<WavHeader> {
  const riff = view(await take(reader, 12));
  const riffBytes = riff.getUint32(4, true);
  let wide: number | undefined;
  let format: Omit<WavHeader, "dataBytes"> | undefined;
  for (;;) {
    const head = view(await take(reader, 8));
    const id = String.fromCharCode(head.getUint8(0), head.getUint8(1), head.getUint8(2), head.getUint8(3));
    const size = head.getUint32(4, true);
    if (id === "data") {
      if (format === undefined)
        throw new SpeechError("audio_corrupt", "The WAV file has no fmt chunk before its data.");
      return { ...format, dataBytes: checkLength(reader, size, riffBytes, wide) };
    }
    if (id === "fmt ") format = readFormat(view(await take(reader, Math.min(size, 64))));
    const ds64 = id === "ds64" ? view(await take(reader, Math.min(size, 24))) : undefined;
    if (ds64 !== undefined && ds64.byteLength >= 16) wide = Number(ds64.getBigUint64(8, true));
    const taken = id === "fmt " ? Math.min(size, 64) : (ds64?.byteLength ?? 0);
    const rest = size + (size % 2) - taken;
    if ((await reader.skip(rest)) < rest)
      throw new SpeechError("audio_truncated", "The WAV file ends before its audio.");
  }
}

function readFormat(fmt: DataView): Omit<WavHeader, "dataBytes"> {
  if (fmt.byteLength < 16) throw new SpeechError("audio_corrupt", "The WAV file's fmt chunk is too short.");
  const tag = fmt.getUint16(0, true);
  const extensible = tag === 0xfffe && fmt.byteLength >= 26;
  const kind = extensible ? fmt.getUint16(24, true) : tag;
  const channels = fmt.getUint16(2, true);
  const sampleRate = fmt.getUint32(4, true);
  const frame = fmt.getUint16(12, true);
  const bits = fmt.getUint16(14, true);

  const encoding = ({ 1: "pcm", 3: "float", 6: "alaw", 7: "mulaw" } as const)[kind];
  if (encoding === undefined) {
    throw new SpeechError("audio_unsupported", `The WAV file's encoding (format tag ${kind}) is not supported.`);
  }
  if (channels < 1 || channels > MOST_CHANNELS) {
    throw new SpeechError("audio_corrupt", `The WAV file says that it has ${channels} channels.`);
  }
  checkRate(sampleRate);
  const bytesPerSample = Math.ceil(bits / 8);
  const allowed = { pcm: [1, 2, 3, 4], float: [4, 8], alaw: [1], mulaw: [1] }[encoding];
  if (!allowed.includes(bytesPerSample)) {
    throw new SpeechError("audio_unsupported", `WAV with ${bits}-bit ${encoding} samples is not supported.`);
  }
  if (frame !== channels * bytesPerSample) {
    throw new SpeechError(
      "audio_corrupt",
      `The WAV file's header contradicts itself: ${channels} × ${bits} bits are not ${frame} bytes.`,
    );
  }
  return { encoding, bytesPerSample, channels, sampleRate };
}

export function checkRate(sampleRate: number): void {
  if (sampleRate >= LOWEST_RATE && sampleRate <= HIGHEST_RATE) return;
  throw new SpeechError("audio_unsupported", `A sample rate of ${sampleRate} Hz is not supported.`);
}

function checkLength(
  reader: ByteReader,
  size: number,
  riffBytes: number,
  wide: number | undefined,
): number | undefined {
  const available = reader.total === undefined ? undefined : reader.total - reader.position;
  // Recorders that are cut off leave 0 where the length would be; the RIFF size then does not reach the file's end either.
  const unfinished = size === 0 && riffBytes + 8 !== reader.total;
  const declared = size === 0xffff_ffff && wide !== undefined && wide > 0 ? wide : size;
  if (unfinished || (declared === size && isUnknownSize(size) && (available ?? 0) < size)) return undefined;
  if (available !== undefined && declared > available) throw truncated(declared, available);
  return declared;
}

function truncated(declared: number, there: number): SpeechError {
  return new SpeechError(
    "audio_truncated",
    `The audio ends before its header says: ${declared} bytes are declared and ${Math.max(0, there)} are there.`,
  );
}

/**
 * After the audio there may be other chunks (tags, cue points) or padding. Anything else means that the length in the header is
 * too small, and what it leaves out would be lost silently.
 */
async function refuseMoreAudio(reader: ByteReader, rest: Uint8Array | undefined, padding: number): Promise<void> {
  const after = joinBytes(rest ?? new Uint8Array(0), await reader.peek(16)).subarray(padding);
  for (const at of [0, 1]) {
    const id = after.subarray(at, at + 4);
    if (id.length < 4 || id.every((byte) => byte === 0)) return;
    if (id.every((byte) => byte >= 0x20 && byte < 0x7f)) return;
  }
  throw new SpeechError("audio_corrupt", "The WAV file holds more audio than its header says.");
}

/** A function from whole frames to mono samples. What is mono PCM16 already is no copy: it lies in the bytes that were read. */
function createMixer({ encoding, bytesPerSample, channels }: WavHeader): (bytes: Uint8Array) => Pcm["samples"] {
  const scale = encoding === "pcm" ? 2 ** (1 - 8 * bytesPerSample) : 1;
  return (bytes) => {
    const values = readValues(bytes, encoding, bytesPerSample);
    if (channels === 1 && bytesPerSample === 2 && values instanceof Int16Array) return values;
    const mono = new Float32Array(values.length / channels);
    if (channels === 1) {
      for (let index = 0; index < mono.length; index += 1) mono[index] = (values[index] ?? 0) * scale;
      return mono;
    }
    const share = scale / channels;
    let at = 0;
    for (let index = 0; index < mono.length; index += 1) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel += 1) sum += values[at + channel] ?? 0;
      mono[index] = sum * share;
      at += channels;
    }
    return mono;
  };
}

type Values = Int16Array | Int32Array | Float32Array | Float64Array;

function readValues(bytes: Uint8Array, encoding: WavHeader["encoding"], bytesPerSample: number): Values {
  if (encoding === "mulaw") return Float32Array.from(bytes, (byte) => muLaw[byte] ?? 0);
  if (encoding === "alaw") return Float32Array.from(bytes, (byte) => aLaw[byte] ?? 0);
  if (bytesPerSample === 1) return Int16Array.from(bytes, (byte) => byte - 128);
  if (bytesPerSample === 3) {
    const values = new Int32Array(bytes.length / 3);
    for (let index = 0, at = 0; index < values.length; index += 1, at += 3) {
      values[index] = (((bytes[at + 2] ?? 0) << 24) >> 8) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0);
    }
    return values;
  }
  // Typed arrays need an aligned beginning; WAV is little-endian, as are all machines that Node runs on but s390x.
  const aligned = bytes.byteOffset % bytesPerSample === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset } = aligned;
  const length = aligned.length / bytesPerSample;
  if (encoding === "float") {
    return bytesPerSample === 4
      ? new Float32Array(buffer, byteOffset, length)
      : new Float64Array(buffer, byteOffset, length);
  }
  return bytesPerSample === 2 ? new Int16Array(buffer, byteOffset, length) : new Int32Array(buffer, byteOffset, length);
}

async function take(reader: ByteReader, count: number): Promise<Uint8Array> {
  const bytes = await reader.peek(count);
  if (bytes.length < count) throw new SpeechError("audio_truncated", "The WAV file ends inside its header.");
  await reader.skip(count);
  return bytes;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
