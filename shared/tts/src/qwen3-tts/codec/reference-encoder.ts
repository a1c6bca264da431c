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
  type SessionOptions,
  type TensorData,
} from "@parlance/inference";
import type { VoiceReference } from "../../types.ts";
import { openBeside } from "../model-folder.ts";
import { joined } from "../sound/joined.ts";
import type { CodecDecoder, CodecState } from "./codec-decoder.ts";

export interface EncodedReference {
  /** [hidden] */
  voice: Float32Array;
  /** [codes] each. */
  frames: readonly Int32Array[];
  /** The codec's behind the frames. */
  state(giveWay: GiveWay): Promise<CodecState>;
}

export interface ReferenceEncoder extends Pick<ReferenceReader, "takesWords" | "mostSamples"> {
  encode(reference: VoiceReference, giveWay: GiveWay): Promise<EncodedReference>;
  close(): Promise<void>;
}

/** What reads recordings, at the model's rate. */
export interface ReferenceReader {
  /** Whether what is said in a recording can be heard too: otherwise it has no frames. */
  readonly takesWords: boolean;
  /** Of a recording whose words are heard; undefined: as many as there are. */
  readonly mostSamples: number | undefined;
  frames(samples: Float32Array, giveWay: GiveWay): Promise<Int32Array[]>;
  voice(samples: Float32Array, giveWay: GiveWay): Promise<Float32Array>;
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
  return keepReferences(await openReader(options), options);
}

async function openReader({
  codecEncoder,
  speakerEncoder,
  ...options
}: ReferenceEncoderOptions): Promise<ReferenceReader> {
  const codes = await createPiecedSession(codecEncoder, options, PIECES);
  const voices = await openBeside(codes, createPiecedSession(speakerEncoder, options, PIECES));

  const tensorOf = (data: Float32Array): TensorData => ({ type: "float32", data, dims: [1, data.length] });
  return {
    ...{ takesWords: true, mostSamples: undefined },
    frames: async (samples, giveWay) => framesOf(await codes.run({ samples: tensorOf(samples) }, giveWay)),
    voice: async (samples, giveWay) =>
      float32Output(await voices.run({ samples: tensorOf(samples) }, giveWay), "embedding"),
    async close() {
      await codes.close();
      await voices.close();
    },
  };
}

/** With the last recordings kept. */
export function keepReferences(
  reader: ReferenceReader,
  { decoder, sampleRate }: Pick<ReferenceEncoderOptions, "decoder" | "sampleRate">,
): ReferenceEncoder {
  /** In the order of their last use. */
  const kept = new Map<string, EncodedReference>();

  async function encodeNew(samples: Float32Array, giveWay: GiveWay): Promise<EncodedReference> {
    const frames = await reader.frames(samples, giveWay);
    await giveWay();
    const voice = await reader.voice(samples, giveWay);
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
    ...{ takesWords: reader.takesWords, mostSamples: reader.mostSamples },
    async encode(reference, giveWay) {
      const { id } = reference;
      const found = kept.get(id) ?? (await encodeNew(samplesAt(reference, sampleRate), giveWay));
      kept.delete(id);
      kept.set(id, found);
      for (const oldest of [...kept.keys()].slice(0, -KEPT)) kept.delete(oldest);
      return found;
    },
    close: () => reader.close(),
  };
}

function samplesAt(reference: VoiceReference, sampleRate: number): Float32Array {
  const resampler = createResampler(reference.sampleRate, sampleRate);
  const samples = joined([resampler.push(fromPcm16(reference.samples)), resampler.end()]);
  return samples.length < FEWEST_SAMPLES
    ? joined([samples, new Float32Array(FEWEST_SAMPLES - samples.length)])
    : samples;
}

/** [1, frames, codebooks] as a list. */
function framesOf(outputs: Readonly<Record<string, TensorData>>): Int32Array[] {
  const [, count = 0, codebooks = 0] = outputs.codes?.dims ?? [];
  const codes = integerOutput(outputs, "codes");
  return Array.from({ length: count }, (_, frame) => codes.slice(frame * codebooks, (frame + 1) * codebooks));
}
