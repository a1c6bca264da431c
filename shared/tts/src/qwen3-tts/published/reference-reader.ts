/**
 * What a prompt takes of a recording, with the graphs that others publish: a speaker encoder that is given a spectrogram, and a codec encoder
 * that may take clips of one length only. Where there is none, a voice is imitated by its sound alone.
 */
import type { GiveWay } from "@parlance/generation";
import {
  createPiecedSession,
  createSession,
  float32Output,
  integerOutput,
  type Session,
  type SessionOptions,
} from "@parlance/inference";
import type { ReferenceReader } from "../codec/reference-encoder.ts";
import { openBeside } from "../model-folder.ts";
import { createLogMel, MELS } from "./log-mel.ts";

export interface PublishedReaderOptions extends SessionOptions {
  speakerEncoder: string;
  codecEncoder: string | undefined;
  codebooks: number;
  samplesPerFrame: number;
}

const PIECES = 16;

export async function openPublishedReader(options: PublishedReaderOptions): Promise<ReferenceReader> {
  const { speakerEncoder, codecEncoder, codebooks, samplesPerFrame } = options;
  const voices = await createPiecedSession(speakerEncoder, options, PIECES);
  const codec = codecEncoder === undefined ? undefined : await openBeside(voices, createSession(codecEncoder, options));
  const spectrogram = createLogMel();
  const [input = ""] = codec?.inputNames ?? [];
  const shape = codec?.inputShape(input) ?? [];
  const length = shape.at(-1);
  const fixed = typeof length === "number" && length > 0 ? length : undefined;

  async function frames(samples: Float32Array, session: Session): Promise<Int32Array[]> {
    const wanted = fixed ?? samples.length;
    const data = new Float32Array(wanted);
    data.set(samples.subarray(0, wanted));
    const dims = shape.length === 3 ? [1, 1, wanted] : [1, wanted];
    const outputs = await session.run({ [input]: { type: "float32", data, dims } });
    const codes = integerOutput(outputs, session.outputNames[0] ?? "");
    // What is said of the silence behind a shorter clip is none of it.
    const count = Math.min(codes.length / codebooks, Math.ceil(samples.length / samplesPerFrame));
    return Array.from({ length: count }, (_, frame) => codes.slice(frame * codebooks, (frame + 1) * codebooks));
  }

  return {
    takesWords: codec !== undefined,
    mostSamples: fixed,
    async frames(samples, giveWay: GiveWay) {
      if (codec === undefined || samples.length > (fixed ?? samples.length)) return [];
      const found = await frames(samples, codec);
      await giveWay();
      return found;
    },
    async voice(samples, giveWay) {
      const { data, frames: count } = spectrogram(samples);
      const [name = ""] = voices.inputNames;
      const outputs = await voices.run({ [name]: { type: "float32", data, dims: [1, count, MELS] } }, giveWay);
      return float32Output(outputs, voices.outputNames[0] ?? "");
    },
    async close() {
      await voices.close();
      await codec?.close();
    },
  };
}
