/** The graphs of the small model of echo-graphs.ts as others publish such models: the same rule behind other names and shapes. */
import {
  type Builder,
  createBuilder,
  features,
  scoresOf,
  sizes,
  TO_FLOAT,
  TO_INT64,
  value,
  waveOf,
} from "./echo-graphs.ts";

/** Of an embedding: which code it is of. The talker's rule does not look at it. */
export const CODE_FEATURE = 7;
const { hidden, codes, codebooks, codebookSize, samplesPerFrame } = sizes;
/** From a code of a frame to the next codebook's. */
const STEP = 4;

/** Keys and values of the one layer by themselves, scores and states of all places. */
export function prefillGraph(): Uint8Array {
  const builder = createBuilder();
  const { op, integers, encode } = builder;
  const sums = op("CumSum", ["inputs_embeds", integers(1)]);
  const rows = op("Reshape", [sums, integers(-1, hidden)]);
  op("Reshape", [scoresOf(builder, rows), integers(1, -1, codes)], "logits");
  op("Identity", [sums], "hidden_states");
  for (const part of ["key", "value"]) op("Unsqueeze", ["inputs_embeds", integers(1)], `present_${part}_0`);
  return encode(
    [
      value("inputs_embeds", "float32", 1, "places", hidden),
      value("attention_mask", "int64", 1, "places"),
      value("position_ids", "int64", 3, 1, "places"),
    ],
    [
      value("logits", "float32", 1, "places", codes),
      value("hidden_states", "float32", 1, "places", hidden),
      value("present_key_0", "float32", 1, 1, "places", hidden),
      value("present_value_0", "float32", 1, 1, "places", hidden),
    ],
  );
}

export function decodeGraph(): Uint8Array {
  const builder = createBuilder();
  const { op, integers, encode } = builder;
  const before = op("ReduceSum", ["past_values", integers(0, 1, 2, 3)], undefined, { keepdims: 0 });
  const sum = op("Add", ["inputs_embeds", before], "hidden_states");
  const rows = op("Reshape", [sum, integers(-1, hidden)]);
  op("Reshape", [scoresOf(builder, rows), integers(1, -1, codes)], "logits");
  const here = op("Unsqueeze", ["inputs_embeds", integers(0, 1)]);
  for (const part of ["keys", "values"]) op("Concat", [`past_${part}`, here], `present_${part}`, { axis: 3 });
  return encode(
    [
      value("inputs_embeds", "float32", 1, 1, hidden),
      value("attention_mask", "int64", 1, "all"),
      value("position_ids", "int64", 3, 1, 1),
      value("past_keys", "float32", 1, 1, 1, "past", hidden),
      value("past_values", "float32", 1, 1, 1, "past", hidden),
    ],
    [
      value("logits", "float32", 1, 1, codes),
      value("hidden_states", "float32", 1, 1, hidden),
      value("present_keys", "float32", 1, 1, 1, "all", hidden),
      value("present_values", "float32", 1, 1, 1, "all", hidden),
    ],
  );
}

/** The next codebook's code by the last one's; another one where the past is not as long as the step says. */
export function codePredictorGraph(): Uint8Array {
  const { op, floats, integers, encode } = createBuilder();
  const step = op("Cast", ["generation_steps"], undefined, TO_FLOAT);
  const expected = op("Add", [step, op("Min", [step, floats([1])])]);
  const past = op(
    "Cast",
    [op("Slice", [op("Shape", ["past_keys"]), integers(3), integers(4), integers(0)])],
    undefined,
    TO_FLOAT,
  );
  const off = op("Mul", [op("Sub", [past, expected]), floats([50])]);
  const code = op("Gather", ["inputs_embeds", integers(CODE_FEATURE)], undefined, { axis: 2 });
  const next = op("Add", [op("Add", [code, floats([STEP])]), off]);
  const target = op("Mod", [next, floats([codebookSize])], undefined, { fmod: 1 });
  const distance = op("Abs", [op("Sub", [target, floats(Array.from({ length: codebookSize }, (_, at) => at))])]);
  op("Mul", [distance, floats([-30])], "logits");
  const here = op("Unsqueeze", ["inputs_embeds", integers(0, 1)]);
  for (const part of ["keys", "values"]) op("Concat", [`past_${part}`, here], `present_${part}`, { axis: 3 });
  return encode(
    [
      value("inputs_embeds", "float32", 1, "places", hidden),
      value("generation_steps", "int64", 1),
      value("past_keys", "float32", 1, 1, 1, "past", hidden),
      value("past_values", "float32", 1, 1, 1, "past", hidden),
    ],
    [
      value("logits", "float32", 1, "places", codebookSize),
      value("present_keys", "float32", 1, 1, 1, "all", hidden),
      value("present_values", "float32", 1, 1, 1, "all", hidden),
    ],
  );
}

/** [1, frames] of first codes to [1, frames, samples]; the frame in front of the first one is silent. */
function wavesOf({ op, floats, integers }: Builder, first: string): string {
  const silence = op("Cast", [floats([0], [1, 1])], undefined, TO_INT64);
  const all = op("Concat", [silence, first], undefined, { axis: 1 });
  const before = op("Slice", [all, integers(0), integers(-1), integers(1)]);
  const waves = floats(Array.from({ length: codebookSize }, (_, code) => [...waveOf(code)]).flat(), [
    ...[codebookSize, samplesPerFrame],
  ]);
  const echo = op("Mul", [op("Gather", [waves, before]), floats([0.2])]);
  return op("Add", [op("Gather", [waves, first]), echo]);
}

/** Codebook by codebook. */
export function vocoderGraph(): Uint8Array {
  const builder = createBuilder();
  const { op, integers, encode } = builder;
  const first = op("Squeeze", [op("Slice", ["codes", integers(0), integers(1), integers(1)]), integers(1)]);
  op("Reshape", [wavesOf(builder, first), integers(1, 1, -1)], "waveform");
  return encode([value("codes", "int64", 1, codebooks, "frames")], [value("waveform", "float32", 1, 1, "samples")]);
}

/** Frame by frame, without the sound of the frames in front. */
export function chunkDecoderGraph(): Uint8Array {
  const builder = createBuilder();
  const { op, integers, encode } = builder;
  const first = op("Squeeze", [op("Slice", ["audio_codes", integers(0), integers(1), integers(2)]), integers(2)]);
  const dropped = op("Reshape", ["context_frames", integers(1)]);
  const kept = op("Slice", [wavesOf(builder, first), dropped, integers(1 << 30), integers(1)]);
  op("Reshape", [kept, integers(1, -1)], "audio_values");
  op("Slice", [op("Shape", ["audio_values"]), integers(1), integers(2), integers(0)], "lengths");
  return encode(
    [value("audio_codes", "int64", 1, "frames", codebooks), value("context_frames", "int64")],
    [value("audio_values", "float32", 1, "samples"), value("lengths", "int64", 1)],
  );
}

/** Reads a prompt and takes a place. */
export function talkerCoreGraph(): Uint8Array {
  const builder = createBuilder();
  const { op, integers, encode } = builder;
  const past = op("ReduceSum", ["past_value_0", integers(0, 1, 2)], undefined, { keepdims: 0 });
  const here = op("ReduceSum", ["inputs_embeds", integers(0, 1)], undefined, { keepdims: 0 });
  const rows = op("Unsqueeze", [op("Add", [past, here]), integers(0)]);
  op("Unsqueeze", [scoresOf(builder, rows), integers(0)], "logits");
  op("Unsqueeze", [rows, integers(0)], "last_hidden");
  const places = op("Unsqueeze", ["inputs_embeds", integers(1)]);
  for (const part of ["key", "value"]) op("Concat", [`past_${part}_0`, places], `new_past_${part}_0`, { axis: 2 });
  return encode(
    [
      value("inputs_embeds", "float32", 1, "places", hidden),
      value("attention_mask", "int64", 1, "all"),
      value("cache_position", "int64", "places"),
      value("past_key_0", "float32", 1, 1, "past", hidden),
      value("past_value_0", "float32", 1, 1, "past", hidden),
    ],
    [
      value("logits", "float32", 1, 1, codes),
      value("last_hidden", "float32", 1, 1, hidden),
      value("new_past_key_0", "float32", 1, 1, "all", hidden),
      value("new_past_value_0", "float32", 1, 1, "all", hidden),
    ],
  );
}

/** All codes of a frame by the first one. `table`: what that adds. */
export function subTalkerGraph(table: Float32Array): Uint8Array {
  const { op, floats, integers, encode } = createBuilder();
  const first = op("Cast", [op("Reshape", ["first_token", integers(1, 1)])], undefined, TO_FLOAT);
  const steps = floats(Array.from({ length: codebooks }, (_, at) => STEP * at));
  const frame = op("Mod", [op("Add", [first, steps]), floats([codebookSize])], undefined, { fmod: 1 });
  op("Cast", [frame], "codebook_tokens", TO_INT64);
  const row = op("Gather", [floats(table, [table.length / hidden, hidden]), "first_token"]);
  op("Unsqueeze", [row, integers(0)], "frame_embed");
  op("Add", ["frame_embed", "text_embed"], "decode_embed");
  return encode(
    [
      value("first_token", "int64", 1),
      value("last_hidden", "float32", 1, 1, hidden),
      value("text_embed", "float32", 1, 1, hidden),
    ],
    [
      value("codebook_tokens", "int64", 1, codebooks),
      value("frame_embed", "float32", 1, 1, hidden),
      value("decode_embed", "float32", 1, 1, hidden),
    ],
  );
}

export function textProjectGraph(table: Float32Array): Uint8Array {
  const { op, floats, encode } = createBuilder();
  op("Gather", [floats(table, [table.length / hidden, hidden]), "input_ids"], "text_embed");
  return encode([value("input_ids", "int64", 1, "tokens")], [value("text_embed", "float32", 1, "tokens", hidden)]);
}

export function codecEmbedGraph(table: Float32Array): Uint8Array {
  const { op, floats, integers, encode } = createBuilder();
  const rows = floats(table, [table.length / hidden, hidden]);
  op("Gather", [rows, "token_ids"], "embed");
  const first = op("Squeeze", [op("Slice", ["ref_code", integers(0), integers(1), integers(2)]), integers(2)]);
  op("Gather", [rows, first], "ref_code_embed");
  return encode(
    [value("token_ids", "int64", 1, "codes"), value("ref_code", "int64", 1, "frames", codebooks)],
    [value("embed", "float32", 1, "codes", hidden), value("ref_code_embed", "float32", 1, "frames", hidden)],
  );
}

/** A voice is how bright its spectrogram is. */
export function melSpeakerGraph(): Uint8Array {
  const { op, floats, integers, encode } = createBuilder();
  const level = op("ReduceMean", ["mels"], undefined, { axes: [1, 2], keepdims: 0 });
  const direction = new Float32Array(hidden);
  direction[features.voice] = 1;
  op("Mul", [op("Reshape", [level, integers(1, 1)]), floats(direction, [1, hidden])], "speaker_embedding");
  return encode([value("mels", "float32", 1, "frames", 128)], [value("speaker_embedding", "float32", 1, hidden)]);
}

/** Of clips of this many samples: a frame's codes are how loud it is. */
export function clipEncoderGraph(samples: number): Uint8Array {
  const { op, floats, integers, encode } = createBuilder();
  const kernel = floats(new Float32Array(samplesPerFrame).fill(1 / samplesPerFrame), [1, 1, samplesPerFrame]);
  const level = op("Conv", [op("Abs", ["waveform"]), kernel], undefined, {
    ...{ kernel_shape: [samplesPerFrame], strides: [samplesPerFrame] },
  });
  const scaled = op("Add", [op("Mul", [level, floats([200])]), floats([5])]);
  const column = op("Transpose", [op("Cast", [scaled], undefined, TO_INT64)], undefined, { perm: [0, 2, 1] });
  op("Mul", [column, integers(...new Array<number>(codebooks).fill(1))], "audio_codes");
  return encode(
    [value("waveform", "float32", 1, 1, samples)],
    [value("audio_codes", "int64", 1, samples / samplesPerFrame, codebooks)],
  );
}
