/**
 * A reference recording as a prompt takes it: the vector of its voice, and its frames. Each recording is encoded once and kept by its
 * checksum, with the codec's state behind its frames.
 */
import { createResampler, fromPcm16 } from "@parlance/audio/samples";
import type { GiveWay } from "@parlance/generation";
import {
  createPiecedSession,
  float32Output,
  integerOutput,
  type PiecedSession,
  type SessionOptions,
  type TensorData,
} from "@parlance/inference";
import type { VoiceReference } from "../../types.ts";
import type { CodecDecoder, CodecState } from "./codec-decoder.ts";

export interface EncodedReference {
  /** [hidden] */
  voice: Float32Array;
  /** [codes] each. */
  frames: readonly Int32Array[];
  /** The codec's behind the frames. */
  state(giveWay: GiveWay): Promise<CodecState>;
}

export interface ReferenceEncoder {
  encode(reference: VoiceReference, giveWay: GiveWay): Promise<EncodedReference>;
  close(): Promise<void>;
}

export interface ReferenceEncoderOptions extends SessionOptions {
  codecEncoder: string;
  speakerEncoder: string;
  decoder: CodecDecoder;
  sampleRate: number;
}

/** Voices that are kept: a state is 5 MB. */
const KEPT = 16;
/** The codec is asked for the end of a longer reference: 24 s of it. What lies before has no part in what follows. */
const MOST_FRAMES = 300;
/** Decoded in one run. */
const CHUNK = 32;
/** Of a minute of sound, each a tenth of a second or two. */
const PIECES = 16;
/** The mel filters reflect so many. */
const FEWEST_SAMPLES = 1_024;

export async function createReferenceEncoder(options: ReferenceEncoderOptions): Promise<ReferenceEncoder> {
  const { codecEncoder, speakerEncoder, decoder, sampleRate } = options;
  /** In the order of their last use. */
  const kept = new Map<string, EncodedReference>();
  const codes = await createPiecedSession(codecEncoder, options, PIECES);
  let voices: PiecedSession;
  try {
    voices = await createPiecedSession(speakerEncoder, options, PIECES);
  } catch (error) {
    await codes.close();
    throw error;
  }

  async function encodeNew(samples: Float32Array, giveWay: GiveWay): Promise<EncodedReference> {
    const tensor: TensorData = { type: "float32", data: samples, dims: [1, samples.length] };
    const frames = framesOf(await codes.run({ samples: tensor }, giveWay));
    await giveWay();
    const voice = float32Output(await voices.run({ samples: tensor }, giveWay), "embedding");
    let state: CodecState | undefined;
    return {
      ...{ voice, frames },
      async state(way) {
        if (state !== undefined) return state;
        const stream = decoder.begin();
        const heard = frames.slice(-MOST_FRAMES);
        for (let from = 0; from < heard.length; from += CHUNK) {
          await stream.decode(heard.slice(from, from + CHUNK), way);
          await way();
        }
        state = stream.state();
        return state;
      },
    };
  }

  return {
    async encode(reference, giveWay) {
      const { id } = reference;
      const found = kept.get(id) ?? (await encodeNew(samplesAt(reference, sampleRate), giveWay));
      kept.delete(id);
      kept.set(id, found);
      for (const oldest of [...kept.keys()].slice(0, -KEPT)) kept.delete(oldest);
      return found;
    },
    async close() {
      await codes.close();
      await voices.close();
    },
  };
}

function samplesAt(reference: VoiceReference, sampleRate: number): Float32Array {
  const resampler = createResampler(reference.sampleRate, sampleRate);
  const parts = [resampler.push(fromPcm16(reference.samples)), resampler.end()];
  const samples = new Float32Array(
    Math.max(
      FEWEST_SAMPLES,
      parts.reduce((sum, { length }) => sum + length, 0),
    ),
  );
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return samples;
}

/** [1, frames, codebooks] as a list. */
function framesOf(outputs: Readonly<Record<string, TensorData>>): Int32Array[] {
  const [, count = 0, codebooks = 0] = outputs.codes?.dims ?? [];
  const codes = integerOutput(outputs, "codes");
  return Array.from({ length: count }, (_, frame) => codes.slice(frame * codebooks, (frame + 1) * codebooks));
}
