/** WAV files of every kind, right and wrong, for tests. */
export interface WavParts {
  formatTag?: number;
  extensible?: boolean;
  channels?: number;
  sampleRate?: number;
  bits?: number;
  data: Uint8Array;
  /** What the header says instead of the truth. */
  dataSize?: number;
  riffSize?: number;
  blockAlign?: number;
  before?: Uint8Array;
  after?: Uint8Array;
}

export function buildWav(parts: WavParts): Uint8Array {
  const { formatTag = 1, extensible = false, channels = 1, sampleRate = 16_000, bits = 16, data } = parts;
  const frame = parts.blockAlign ?? channels * Math.ceil(bits / 8);
  const fmt = Buffer.alloc(extensible ? 40 : 16);
  fmt.writeUInt16LE(extensible ? 0xfffe : formatTag, 0);
  fmt.writeUInt16LE(channels, 2);
  fmt.writeUInt32LE(sampleRate, 4);
  fmt.writeUInt32LE(sampleRate * frame, 8);
  fmt.writeUInt16LE(frame, 12);
  fmt.writeUInt16LE(bits, 14);
  if (extensible) fmt.writeUInt16LE(formatTag, 24);
  const body = Buffer.concat([
    Buffer.from("WAVE"),
    chunk("fmt ", fmt),
    parts.before ?? Buffer.alloc(0),
    chunk("data", data, parts.dataSize),
    parts.after ?? Buffer.alloc(0),
  ]);
  const riff = Buffer.alloc(8);
  riff.write("RIFF");
  riff.writeUInt32LE(parts.riffSize ?? body.length, 4);
  return Buffer.concat([riff, body]);
}

export function chunk(id: string, data: Uint8Array, size = data.length): Uint8Array {
  const head = Buffer.alloc(8);
  head.write(id);
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

/** Samples in −1 … 1 of one channel, as integers of `bits` or as floats. */
export function encodeSamples(samples: Float32Array, bits: number, kind: "pcm" | "float" = "pcm"): Uint8Array {
  const bytes = Buffer.alloc((samples.length * bits) / 8);
  for (const [index, sample] of samples.entries()) {
    const at = (index * bits) / 8;
    if (kind === "float") bits === 32 ? bytes.writeFloatLE(sample, at) : bytes.writeDoubleLE(sample, at);
    else if (bits === 8) bytes[at] = Math.round(sample * 127) + 128;
    else bytes.writeIntLE(Math.round(sample * (2 ** (bits - 1) - 1)), at, bits / 8);
  }
  return bytes;
}
