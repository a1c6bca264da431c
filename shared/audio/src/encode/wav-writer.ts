/** PCM16 as a WAV file. */

const HEADER_BYTES = 44;

export interface WavFormat {
  sampleRate: number;
  /** Samples of the channels are interleaved. Default 1. */
  channels?: number;
}

export function encodeWav(samples: Int16Array, { sampleRate, channels = 1 }: WavFormat): Uint8Array {
  const file = new Uint8Array(HEADER_BYTES + samples.byteLength);
  file.set(wavHeader({ sampleRate, channels }, samples.byteLength));
  file.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), HEADER_BYTES);
  return file;
}

/** `dataBytes` undefined: a stream whose length is not known yet, as readers of piped WAV expect it (0xFFFFFFFF). */
export function wavHeader({ sampleRate, channels = 1 }: WavFormat, dataBytes?: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  const text = (at: number, value: string) => {
    for (let index = 0; index < value.length; index += 1) header[at + index] = value.charCodeAt(index);
  };
  text(0, "RIFF");
  view.setUint32(4, dataBytes === undefined ? 0xffff_ffff : 36 + dataBytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, dataBytes ?? 0xffff_ffff, true);
  return header;
}
