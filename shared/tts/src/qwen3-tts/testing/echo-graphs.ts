/**
 * The graphs of a small Qwen3-TTS whose frames follow from its text by a plain rule, so that a test can have a row that ends, one that
 * does not, one that repeats itself, and silence. Their inputs and outputs are those of models/recipes/qwen3-tts.
 *
 * All that the talker knows is the sum of everything that stands at the places so far, feature by feature: a layer of attention that
 * looks at all of them alike.
 */
import {
  type ElementType,
  encodeModel,
  type GraphNode,
  type GraphTensor,
  type GraphValue,
} from "@parlance/inference/testing";

/** What the numbers of an embedding stand for. */
export const features = {
  /** Frames that the text is to take. */
  words: 0,
  /** Frames so far. */
  frames: 1,
  /** The row repeats itself, for ever. */
  loops: 2,
  /** It does so where its first frame is drawn to begin with LOOP_CODE. */
  mayLoop: 3,
  /** Frames that began with it. */
  loopCodes: 4,
  /** Nothing is heard. */
  silent: 5,
  /** Of the voice and the language. */
  voice: 6,
} as const;

export const sizes = {
  ...{ hidden: 8, codes: 160, codebooks: 16, codebookSize: 128 },
  ...{ samplesPerFrame: 1_920, stateSize: 1, end: 130 },
} as const;
export const LOOP_CODE = 1;
const OTHER_CODE = 3;

export interface Builder {
  nodes: GraphNode[];
  initializers: GraphTensor[];
  op(op: string, inputs: readonly string[], output?: string, attributes?: GraphNode["attributes"]): string;
  floats(data: ArrayLike<number>, dims?: readonly number[]): string;
  integers(...values: number[]): string;
  encode(inputs: readonly GraphValue[], outputs: readonly GraphValue[]): Uint8Array;
}

export function createBuilder(): Builder {
  const nodes: GraphNode[] = [];
  const initializers: GraphTensor[] = [];
  let made = 0;
  const name = () => `value_${made++}`;
  return {
    ...{ nodes, initializers },
    op(op, inputs, output = name(), attributes = {}) {
      nodes.push({ op, inputs, outputs: [output], attributes });
      return output;
    },
    floats(data, dims = [data.length]) {
      const tensor = name();
      initializers.push({ name: tensor, type: "float32", dims, data: Float32Array.from(data) });
      return tensor;
    },
    integers(...values) {
      const tensor = name();
      initializers.push({
        name: tensor,
        type: "int64",
        dims: [values.length],
        data: BigInt64Array.from(values, BigInt),
      });
      return tensor;
    },
    encode: (inputs, outputs) => encodeModel({ nodes, initializers, inputs, outputs }),
  };
}

export function value(name: string, type: ElementType, ...dims: (number | string)[]): GraphValue {
  return { name, type, dims };
}

export const TO_FLOAT = { to: 1 };
const TO_INT32 = { to: 6 };
export const TO_INT64 = { to: 7 };

/** [rows, hidden], the sums of everything so far, to [rows, codes]: how likely each first code is. */
export function scoresOf({ op, floats, integers }: Builder, sum: string, output?: string): string {
  const { codes, end } = sizes;
  const feature = (at: number) => op("Gather", [sum, integers(at)], undefined, { axis: 1 });
  const above = (one: string, bound: number) => op("Greater", [one, floats([bound])]);
  const only = (...likely: number[]) =>
    floats(Array.from({ length: codes }, (_, code) => (likely.includes(code) ? 20 : -50)));

  const frames = feature(features.frames);
  const words = feature(features.words);
  const steps = op("Add", [op("Mul", [frames, floats([37])]), op("Mul", [words, floats([11])])]);
  const place = op("Floor", [op("Add", [steps, feature(features.voice)])]);
  const target = op("Add", [op("Mod", [place, floats([89])], undefined, { fmod: 1 }), floats([5])]);
  const distance = op("Abs", [op("Sub", [target, floats(Array.from({ length: codes }, (_, code) => code))])]);
  const sound = op("Sub", [floats([8]), op("Mul", [distance, floats([3])])]);
  const ended = op("Greater", [frames, op("Sub", [words, floats([0.5])])]);
  const endScore = op("Sub", [op("Mul", [op("Cast", [ended], undefined, TO_FLOAT), floats([2_000])]), floats([1_000])]);
  const atEnd = floats(Array.from({ length: codes }, (_, code) => (code === end ? 1 : 0)));
  const normal = op("Add", [sound, op("Mul", [endScore, atEnd])]);

  const mayLoop = feature(features.mayLoop);
  const stuck = above(op("Add", [feature(features.loops), op("Mul", [mayLoop, feature(features.loopCodes)])]), 0.5);
  const choosing = op("And", [above(mayLoop, 0.5), op("Less", [frames, floats([0.5])])]);
  const silent = op("And", [above(feature(features.silent), 0.5), op("Not", [ended])]);
  const quiet = op("Where", [silent, only(0), normal]);
  const chosen = op("Where", [choosing, only(LOOP_CODE, OTHER_CODE), quiet]);
  return op("Where", [stuck, only(LOOP_CODE), chosen], output);
}

export function talkerGraph(): Uint8Array {
  const builder = createBuilder();
  const { op, integers, encode } = builder;
  const { hidden, codes } = sizes;
  const weights = op("Unsqueeze", [op("Exp", ["past_mask"]), integers(1, 3)]);
  const past = op("ReduceSum", [op("Mul", ["past_value.0", weights]), integers(1, 2)], undefined, { keepdims: 0 });
  const here = op("ReduceSum", ["embeddings", integers(1)], undefined, { keepdims: 0 });
  const sum = op("Add", [past, here], "hidden");
  scoresOf(builder, sum, "logits");
  for (const part of ["key.0", "value.0"]) op("Unsqueeze", ["embeddings", integers(1)], part);
  return encode(
    [
      value("embeddings", "float32", "batch", "places", hidden),
      value("padding", "int64", "batch"),
      value("positions", "int64", "batch", "places"),
      value("past_mask", "float32", "batch", "past"),
      value("past_key.0", "float32", "batch", 1, "past", hidden),
      value("past_value.0", "float32", "batch", 1, "past", hidden),
    ],
    [
      value("logits", "float32", "batch", codes),
      value("hidden", "float32", "batch", hidden),
      value("key.0", "float32", "batch", 1, "places", hidden),
      value("value.0", "float32", "batch", 1, "places", hidden),
    ],
  );
}

/** `table`: rows of what a frame's first code adds; the others add nothing. */
export function predictorGraph(table: Float32Array): Uint8Array {
  const { op, floats, integers, encode } = createBuilder();
  const { hidden, codebooks, codebookSize } = sizes;
  const others = codebooks - 1;
  const first = op("Cast", [op("Unsqueeze", ["code", integers(1)])], undefined, TO_FLOAT);
  const warm = op("Cast", [op("Greater", ["temperature", floats([0])])], undefined, TO_FLOAT);
  const drawn = op("Mul", [op("Floor", [op("Mul", ["noise", floats([4])])]), op("Unsqueeze", [warm, integers(1)])]);
  const group = floats(Array.from({ length: others }, (_, at) => 4 * (at + 1)));
  const sum = op("Add", [op("Add", [first, group]), drawn]);
  op("Cast", [op("Mod", [sum, floats([codebookSize])], undefined, { fmod: 1 })], "codes", TO_INT32);
  op("Gather", [floats(table, [table.length / hidden, hidden]), "code"], "embedding");
  return encode(
    [
      value("hidden", "float32", "batch", hidden),
      value("code", "int64", "batch"),
      value("noise", "float32", "batch", others),
      value("temperature", "float32", "batch"),
      value("top_k", "int64", "batch"),
    ],
    [value("codes", "int32", "batch", others), value("embedding", "float32", "batch", hidden)],
  );
}

/** Of a frame that begins with `code`: whole waves, and nothing of code 0. */
export function waveOf(code: number): Float32Array {
  const hertz = 100 * (3 + (code % 13));
  const level = code === 0 ? 0 : 0.25;
  return Float32Array.from(
    { length: sizes.samplesPerFrame },
    (_, at) => level * Math.sin((2 * Math.PI * hertz * at) / 24_000),
  );
}

/** A frame's sound, with a fifth of that of the frame before: its state is that frame's first code. */
export function codecDecoderGraph(): Uint8Array {
  const { op, floats, integers, initializers, encode } = createBuilder();
  const { codebooks, codebookSize, samplesPerFrame, stateSize } = sizes;
  initializers.push({ name: "first", type: "int64", dims: [], data: BigInt64Array.of(0n) });
  const codes = op("Gather", ["codes", "first"], undefined, { axis: 2 });
  const all = op("Concat", [op("Cast", ["state"], undefined, TO_INT64), codes], undefined, { axis: 1 });
  const before = op("Slice", [all, integers(0), integers(-1), integers(1)]);
  const last = op("Slice", [all, integers(-1), integers(1 << 30), integers(1)]);
  const waves = floats(Array.from({ length: codebookSize }, (_, code) => [...waveOf(code)]).flat(), [
    codebookSize,
    samplesPerFrame,
  ]);
  const echo = op("Mul", [op("Gather", [waves, before]), floats([0.2])]);
  op("Reshape", [op("Add", [op("Gather", [waves, codes]), echo]), integers(0, -1)], "samples");
  op("Cast", [last], "next_state", TO_FLOAT);
  return encode(
    [
      value("codes", "int64", "batch", "frames", codebooks),
      value("state", "float32", "batch", stateSize),
      value("seen", "int64", "batch"),
    ],
    [value("samples", "float32", "batch", "samples"), value("next_state", "float32", "batch", stateSize)],
  );
}

/** A frame's codes are how loud it is. */
export function codecEncoderGraph(): Uint8Array {
  const { op, floats, integers, encode } = createBuilder();
  const { codebooks, samplesPerFrame } = sizes;
  const kernel = floats(new Float32Array(samplesPerFrame).fill(1 / samplesPerFrame), [1, 1, samplesPerFrame]);
  const level = op("Conv", [op("Unsqueeze", [op("Abs", ["samples"]), integers(1)]), kernel], undefined, {
    ...{ kernel_shape: [samplesPerFrame], strides: [samplesPerFrame], pads: [0, samplesPerFrame - 1] },
  });
  const scaled = op("Add", [op("Mul", [level, floats([200])]), floats([5])]);
  const code = op("Cast", [op("Min", [scaled, floats([90])])], undefined, TO_INT64);
  const column = op("Transpose", [code], undefined, { perm: [0, 2, 1] });
  op("Mul", [column, integers(...new Array<number>(codebooks).fill(1))], "codes");
  return encode(
    [value("samples", "float32", "batch", "samples")],
    [value("codes", "int64", "batch", "frames", codebooks)],
  );
}

/** A voice is how loud it is on the whole. */
export function speakerEncoderGraph(): Uint8Array {
  const { op, floats, encode } = createBuilder();
  const { hidden } = sizes;
  const level = op("ReduceMean", [op("Abs", ["samples"])], undefined, { axes: [1], keepdims: 1 });
  const direction = new Float32Array(hidden);
  direction[features.voice] = 100;
  op("Mul", [level, floats(direction)], "embedding");
  return encode([value("samples", "float32", "batch", "samples")], [value("embedding", "float32", "batch", hidden)]);
}
