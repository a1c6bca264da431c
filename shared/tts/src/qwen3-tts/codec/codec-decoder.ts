/**
 * Frames to samples. The codec is causal and its graph keeps what it needs of the past in a state that goes from run to run: chunks
 * join without a seam, whatever their sizes. Each row is decoded by itself, so that its samples are the same in any pass.
 */
import type { GiveWay } from "@parlance/generation";
import { createPiecedSession, float32Output, freeArrays, type SessionOptions } from "@parlance/inference";

export interface CodecSizes {
  codebooks: number;
  samplesPerFrame: number;
  stateSize: number;
}

export interface CodecDecoderOptions extends SessionOptions, CodecSizes {
  graph: string;
}

/** What the codec keeps of the frames so far. */
export interface CodecState {
  values: Float32Array;
  /** How many frames those were. */
  seen: number;
}

export interface CodecStream {
  /** Samples of the frames that follow those before, -1 to 1. */
  decode(frames: readonly Int32Array[], giveWay: GiveWay): Promise<Float32Array>;
  /** Behind the frames so far; the stream may go on, and others begin there. */
  state(): CodecState;
}

export interface CodecDecoder {
  /** A stream from the beginning, or behind a state. */
  begin(state?: CodecState): CodecStream;
  close(): Promise<void>;
}

/** A frame is some 2.4 billion products: of 32 of them a piece takes two cores a quarter of a second at most. */
const PIECES = 8;

export async function createCodecDecoder({ graph, ...options }: CodecDecoderOptions): Promise<CodecDecoder> {
  const { codebooks, samplesPerFrame, stateSize } = options;
  const session = await createPiecedSession(graph, options, PIECES);

  return {
    begin(from = { values: new Float32Array(stateSize), seen: 0 }) {
      let state = from;
      return {
        async decode(frames, giveWay) {
          const codes = new BigInt64Array(frames.length * codebooks);
          for (const [at, frame] of frames.entries()) codes.set(Array.from(frame, BigInt), at * codebooks);
          const outputs = await session.run(
            {
              codes: { type: "int64", data: codes, dims: [1, frames.length, codebooks] },
              state: { type: "float32", data: state.values, dims: [1, stateSize] },
              seen: { type: "int64", data: BigInt64Array.of(BigInt(state.seen)), dims: [1] },
            },
            giveWay,
          );
          // The state that the stream began with may be others' too.
          if (state !== from) freeArrays([state.values]);
          state = { values: float32Output(outputs, "next_state"), seen: state.seen + frames.length };
          return float32Output(outputs, "samples").subarray(0, frames.length * samplesPerFrame);
        },
        state: () => ({ ...state, values: state.values.slice() }),
      };
    },
    close: () => session.close(),
  };
}
