/**
 * Talker and predictor as two graphs a frame: `talker_core` reads a prompt or takes a place, with keys and values of each layer by
 * themselves, and `sub_talker_sample` makes all other codes of the frame. That one draws by numbers of its own: no seed has a say in it.
 */
import { type CacheShape, int64Tensor } from "@parlance/generation";
import {
  createSession,
  float32Output,
  freeArrays,
  freeTensors,
  integerOutput,
  type SessionOptions,
  type TensorData,
} from "@parlance/inference";
import type { Frame, Predictor } from "../talker/predictor.ts";
import type { Spoken, TalkerGraphs } from "./published-talker.ts";

export interface FusedTalkerOptions extends SessionOptions {
  graph: string;
  hidden: number;
  codes: number;
  cache: CacheShape;
}

export async function openFusedTalker(options: FusedTalkerOptions): Promise<TalkerGraphs> {
  const { graph, hidden, codes, cache } = options;
  const session = await createSession(graph, options);
  const layers = Array.from({ length: cache.layers }, (_, layer) => layer);

  async function run(vectors: Float32Array, from: number, past: Readonly<Record<string, TensorData>>): Promise<Spoken> {
    const places = vectors.length / hidden;
    const outputs = await session.run({
      inputs_embeds: { type: "float32", data: vectors, dims: [1, places, hidden] },
      attention_mask: int64Tensor(new Array<number>(from + places).fill(1), [1, from + places]),
      cache_position: int64Tensor(
        Array.from({ length: places }, (_, at) => from + at),
        [places],
      ),
      ...past,
    });
    const [scores, state] = [float32Output(outputs, "logits"), float32Output(outputs, "last_hidden")];
    const tensors: Record<string, TensorData> = {};
    for (const layer of layers) {
      for (const part of ["key", "value"]) {
        const present = outputs[`new_past_${part}_${layer}`];
        if (present === undefined) throw new TypeError(`the graph answers no new_past_${part}_${layer}`);
        tensors[`past_${part}_${layer}`] = present;
      }
    }
    const spoken = {
      ...{ scores: scores.slice(-codes), hidden: state.slice(-hidden) },
      past: { places: from + places, tensors },
    };
    freeArrays([scores, state]);
    return spoken;
  }

  return {
    read: (prompt) => run(prompt, 0, emptyPast(cache)),
    take: (vector, { places, tensors }) => run(vector, places, tensors),
    close: () => session.close(),
  };
}

export interface FusedPredictorOptions extends SessionOptions {
  graph: string;
  codebooks: number;
  hidden: number;
}

export async function openFusedPredictor({
  graph,
  codebooks,
  hidden,
  ...options
}: FusedPredictorOptions): Promise<Predictor> {
  const session = await createSession(graph, options);
  return {
    codes: codebooks,
    async complete(rows, giveWay) {
      const frames: Frame[] = [];
      for (const { hidden: state, first } of rows) {
        const outputs = await session.run({
          first_token: int64Tensor([first], [1]),
          last_hidden: { type: "float32", data: state, dims: [1, 1, hidden] },
          // The text's row is added by whoever asked: it is not known here.
          text_embed: { type: "float32", data: new Float32Array(hidden), dims: [1, 1, hidden] },
        });
        const sum = float32Output(outputs, "frame_embed").slice();
        frames.push({ codes: integerOutput(outputs, "codebook_tokens").slice(0, codebooks), sum });
        freeTensors(outputs);
        await giveWay();
      }
      return frames;
    },
    close: () => session.close(),
  };
}

function emptyPast({ layers, heads, size }: CacheShape): Record<string, TensorData> {
  const tensors: Record<string, TensorData> = {};
  for (let layer = 0; layer < layers; layer += 1) {
    for (const part of ["key", "value"]) {
      tensors[`past_${part}_${layer}`] = { type: "float32", data: new Float32Array(0), dims: [1, heads, 0, size] };
    }
  }
  return tensors;
}
