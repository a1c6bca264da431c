/** The codes of a frame behind the first one: fifteen steps in one run of the graph, of all rows together, drawn by given numbers. */
import { type GiveWay, int64Tensor } from "@parlance/generation";
import {
  createPiecedSession,
  float32Output,
  freeTensors,
  integerOutput,
  type SessionOptions,
} from "@parlance/inference";

export interface PredictorRow {
  /** [hidden]: what the talker said. */
  hidden: Float32Array;
  /** The frame's first code. */
  first: number;
  /** [codes - 1]: from 0 to below 1. */
  noise: Float32Array;
}

export interface Frame {
  /** [codes], the first one too. */
  codes: Int32Array;
  /** [hidden]: of the embeddings of all of them. */
  sum: Float32Array;
}

export interface Predictor {
  /** Codes of a frame. */
  readonly codes: number;
  complete(rows: readonly PredictorRow[], giveWay: GiveWay): Promise<Frame[]>;
  close(): Promise<void>;
}

export interface PredictorOptions extends SessionOptions {
  graph: string;
  codebooks: number;
  temperature: number;
  topK: number;
}

/** Fifteen steps of 80 million weights: 16 rows take two cores 200 ms. */
const PIECES = 2;

export async function createPredictor({ graph, ...options }: PredictorOptions): Promise<Predictor> {
  const { codebooks, temperature, topK } = options;
  const session = await createPiecedSession(graph, options, PIECES);
  return {
    codes: codebooks,
    async complete(rows, giveWay) {
      const count = rows.length;
      const hidden = rows[0]?.hidden.length ?? 0;
      const steps = codebooks - 1;
      const states = new Float32Array(count * hidden);
      const noise = new Float32Array(count * steps);
      for (const [at, row] of rows.entries()) {
        states.set(row.hidden, at * hidden);
        noise.set(row.noise, at * steps);
      }
      const outputs = await session.run(
        {
          hidden: { type: "float32", data: states, dims: [count, hidden] },
          code: int64Tensor(
            rows.map(({ first }) => first),
            [count],
          ),
          noise: { type: "float32", data: noise, dims: [count, steps] },
          temperature: { type: "float32", data: new Float32Array(count).fill(temperature), dims: [count] },
          top_k: int64Tensor(new Float64Array(count).fill(topK), [count]),
        },
        giveWay,
      );
      const codes = integerOutput(outputs, "codes");
      const sums = float32Output(outputs, "embedding");
      const frames = rows.map(({ first }, at): Frame => {
        const frame = new Int32Array(codebooks);
        frame[0] = first;
        frame.set(codes.subarray(at * steps, (at + 1) * steps), 1);
        return { codes: frame, sum: sums.slice(at * hidden, (at + 1) * hidden) };
      });
      freeTensors(outputs);
      return frames;
    },
    close: () => session.close(),
  };
}
