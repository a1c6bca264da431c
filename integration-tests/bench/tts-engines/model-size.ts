/** What a frame costs by the sizes of a model: weights that are read, and products. Pure. */

interface Transformer {
  layers: number;
  hidden: number;
  inner: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
}

export interface ModelSize {
  talker: Transformer & { codes: number };
  predictor: Transformer & { codes: number; steps: number };
}

export interface FrameCost {
  /** Weights of the talker and the predictor that a frame of any number of rows reads. */
  weights: number;
  /** Products of one row's frame in the talker and the predictor, attention over what was said left out. */
  products: number;
}

/** Products of one frame in the codec's decoder. */
export const CODEC_PRODUCTS = 2.4e9;

const predictor = { layers: 5, hidden: 1_024, inner: 3_072, heads: 16, keyValueHeads: 8, headSize: 128 };
const predicted = { ...predictor, codes: 2_048, steps: 15 };
const heads = { layers: 28, heads: 16, keyValueHeads: 8, headSize: 128, codes: 3_072 };

export const sizes = {
  "0.6b": { talker: { ...heads, hidden: 1_024, inner: 3_072 }, predictor: predicted },
  "1.7b": { talker: { ...heads, hidden: 2_048, inner: 6_144 }, predictor: predicted },
} as const satisfies Record<string, ModelSize>;

export function frameCost({ talker, predictor: { steps, ...each } }: ModelSize): FrameCost {
  const projection = talker.hidden === each.hidden ? 0 : talker.hidden * each.hidden;
  const said = layersOf(talker) + talker.codes * talker.hidden;
  const completed = steps * (layersOf(each) + each.codes * each.hidden + projection);
  // The predictor's first step has two places.
  return { weights: said + completed, products: said + completed + layersOf(each) + projection };
}

function layersOf({ layers, hidden, inner, heads: queries, keyValueHeads, headSize }: Transformer): number {
  const attention = hidden * headSize * (2 * queries + 2 * keyValueHeads);
  return layers * (attention + 3 * hidden * inner);
}
