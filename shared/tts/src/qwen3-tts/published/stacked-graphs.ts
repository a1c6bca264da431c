/**
 * Talker and predictor as graphs whose keys and values are stacked, layer upon layer, in one tensor each. `talker_prefill` reads a prompt,
 * `talker_decode` takes a place, `code_predictor` is run for each code of a frame behind the first one.
 */
import { type CacheShape, type GiveWay, int64Tensor, type TokenEmbeddings } from "@parlance/generation";
import {
  createPiecedSession,
  createSession,
  float32Output,
  freeArrays,
  type SessionOptions,
  type TensorData,
} from "@parlance/inference";
import { openBeside } from "../model-folder.ts";
import type { ChooseCode } from "../sampling/sampling.ts";
import type { Frame, Predictor, PredictorRow } from "../talker/predictor.ts";
import { add } from "../vectors.ts";
import type { Past, Spoken, TalkerGraphs } from "./published-talker.ts";

type Tensors = Readonly<Record<string, TensorData>>;

export interface StackedTalkerOptions extends SessionOptions {
  prefill: string;
  decode: string;
  hidden: number;
  codes: number;
  cache: CacheShape;
}

/** A prompt of 28 layers is read in pieces, so that others get their turn. */
const PIECES = 16;
/** Positions are told three times: for text, where all three are alike. */
const AXES = 3;

export async function openStackedTalker(options: StackedTalkerOptions): Promise<TalkerGraphs> {
  const { prefill, decode, hidden, codes, cache } = options;
  const reader = await createPiecedSession(prefill, options, PIECES);
  const taker = await openBeside(reader, createSession(decode, options));

  function inputs(vectors: Float32Array, from: number): Record<string, TensorData> {
    const places = vectors.length / hidden;
    const positions = Array.from({ length: AXES * places }, (_, at) => from + (at % places));
    return {
      inputs_embeds: { type: "float32", data: vectors, dims: [1, places, hidden] },
      attention_mask: int64Tensor(new Array<number>(from + places).fill(1), [1, from + places]),
      position_ids: int64Tensor(positions, [AXES, 1, places]),
    };
  }

  function spokenOf(outputs: Tensors, past: Past): Spoken {
    // Of all places: the last one's are wanted.
    const [scores, state] = [float32Output(outputs, "logits"), float32Output(outputs, "hidden_states")];
    const spoken = { scores: scores.slice(-codes), hidden: state.slice(-hidden), past };
    freeArrays([scores, state]);
    return spoken;
  }

  return {
    async read(prompt, giveWay) {
      const outputs = await reader.run(inputs(prompt, 0), giveWay);
      const tensors = {
        past_keys: stack(outputs, "present_key_", cache.layers),
        past_values: stack(outputs, "present_value_", cache.layers),
      };
      return spokenOf(outputs, { places: prompt.length / hidden, tensors });
    },
    async take(vector, { places, tensors }) {
      const outputs = await taker.run({ ...inputs(vector, places), ...tensors });
      return spokenOf(outputs, { places: places + 1, tensors: presentOf(outputs) });
    },
    async close() {
      await reader.close();
      await taker.close();
    },
  };
}

export interface StackedPredictorOptions extends SessionOptions {
  graph: string;
  codebooks: number;
  hidden: number;
  cache: CacheShape;
  /** Rows of the first code, and of the codes behind it, codebook by codebook. */
  first: TokenEmbeddings;
  others: readonly TokenEmbeddings[];
  choose: ChooseCode;
}

export async function openStackedPredictor(options: StackedPredictorOptions): Promise<Predictor> {
  const { graph, codebooks, hidden, cache, first, others, choose } = options;
  const session = await createSession(graph, options);

  async function complete({ hidden: state, first: code, noise }: PredictorRow, giveWay: GiveWay): Promise<Frame> {
    const codes = new Int32Array(codebooks);
    codes[0] = code;
    const sum = new Float32Array(hidden);
    first.write(code, sum, 0);
    let vectors = new Float32Array(2 * hidden);
    vectors.set(state);
    vectors.set(sum, hidden);
    let past: Tensors = emptyPast(cache);
    for (const [step, table] of others.entries()) {
      const outputs = await session.run({
        inputs_embeds: { type: "float32", data: vectors, dims: [1, vectors.length / hidden, hidden] },
        generation_steps: int64Tensor([step], [1]),
        ...past,
      });
      past = presentOf(outputs);
      const scores = float32Output(outputs, "logits");
      const rows = (outputs.logits?.dims ?? []).slice(0, -1).reduce((product, size) => product * size, 1);
      const chosen = choose(scores.slice(-scores.length / rows), noise[step] ?? 0);
      codes[step + 1] = chosen;
      vectors = new Float32Array(hidden);
      table.write(chosen, vectors, 0);
      add(vectors, sum);
    }
    await giveWay();
    return { codes, sum };
  }

  return {
    codes: codebooks,
    async complete(rows, giveWay) {
      const frames: Frame[] = [];
      for (const row of rows) frames.push(await complete(row, giveWay));
      return frames;
    },
    close: () => session.close(),
  };
}

/** [layers, 1, heads, places, size] of tensors of a layer each. */
function stack(outputs: Tensors, name: string, layers: number): TensorData {
  const [dims = []] = Object.entries(outputs).flatMap(([key, { dims: each }]) => (key === `${name}0` ? [each] : []));
  const size = dims.reduce((product, each) => product * each, 1);
  const data = new Float32Array(layers * size);
  for (let layer = 0; layer < layers; layer += 1) {
    const part = float32Output(outputs, `${name}${layer}`);
    data.set(part, layer * size);
    freeArrays([part]);
  }
  return { type: "float32", data, dims: [layers, ...dims] };
}

function presentOf({ present_keys: keys, present_values: values }: Tensors): Tensors {
  if (keys === undefined || values === undefined) throw new TypeError("the graph answers no keys and values");
  return { past_keys: keys, past_values: values };
}

function emptyPast({ layers, heads, size }: CacheShape): Tensors {
  const none = (): TensorData => ({ type: "float32", data: new Float32Array(0), dims: [layers, 1, heads, 0, size] });
  return { past_keys: none(), past_values: none() };
}
