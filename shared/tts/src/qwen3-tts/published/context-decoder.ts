/**
 * Frames to samples with a codec that keeps nothing from run to run: each chunk is decoded behind the frames before it, whose samples are
 * dropped, as the official package decodes long texts. What it answers depends a little on where a chunk began.
 */
import {
  createPiecedSession,
  float32Output,
  type PiecedSession,
  type SessionOptions,
  type TensorData,
} from "@parlance/inference";
import type { CodecDecoder, CodecState } from "../codec/codec-decoder.ts";

export interface ContextDecoderOptions extends SessionOptions {
  graph: string;
  codebooks: number;
  samplesPerFrame: number;
  /** Codebook by codebook, or frame by frame, with the number of frames to be dropped told to the graph. */
  codes: "codebooks first" | "frames first";
}

/** Of a chunk, two seconds. */
const CONTEXT_FRAMES = 25;
const PIECES = 8;

export async function openContextDecoder({ graph, ...options }: ContextDecoderOptions): Promise<CodecDecoder> {
  const { codebooks, samplesPerFrame, codes } = options;
  const session = await createPiecedSession(graph, options, PIECES);

  return {
    begin(from: CodecState = { values: new Float32Array(), seen: 0 }) {
      let context = framesOf(from.values, codebooks);
      let { seen } = from;
      return {
        async decode(frames, giveWay) {
          const all = [...context, ...frames];
          const inputs = codes === "codebooks first" ? byCodebook(session, all) : byFrame(all, context.length);
          const outputs = await session.run(inputs, giveWay);
          const samples = float32Output(
            outputs,
            codes === "codebooks first" ? nameOf(session.outputNames) : "audio_values",
          );
          context = all.slice(-CONTEXT_FRAMES);
          seen += frames.length;
          return samples.slice(-frames.length * samplesPerFrame);
        },
        state: () => ({ values: Float32Array.from(context.flatMap((frame) => [...frame])), seen }),
      };
    },
    close: () => session.close(),
  };

  function byCodebook({ inputNames }: PiecedSession, frames: readonly Int32Array[]): Record<string, TensorData> {
    const data = new BigInt64Array(frames.length * codebooks);
    for (const [at, frame] of frames.entries()) {
      for (const [book, code] of frame.entries()) data[book * frames.length + at] = BigInt(code);
    }
    return { [nameOf(inputNames)]: { type: "int64", data, dims: [1, codebooks, frames.length] } };
  }

  function byFrame(frames: readonly Int32Array[], dropped: number): Record<string, TensorData> {
    const data = BigInt64Array.from(
      frames.flatMap((frame) => [...frame]),
      BigInt,
    );
    return {
      audio_codes: { type: "int64", data, dims: [1, frames.length, codebooks] },
      context_frames: { type: "int64", data: BigInt64Array.of(BigInt(dropped)), dims: [] },
    };
  }
}

/** Of a graph that has one: exporters call it as they like. */
function nameOf([name]: readonly string[]): string {
  if (name === undefined) throw new TypeError("the codec's graph has no inputs or outputs");
  return name;
}

function framesOf(values: Float32Array, codebooks: number): Int32Array[] {
  return Array.from({ length: values.length / codebooks }, (_, at) =>
    Int32Array.from(values.subarray(at * codebooks, (at + 1) * codebooks)),
  );
}
