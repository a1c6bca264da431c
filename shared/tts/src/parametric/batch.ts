/** Between rows and tensors: rows are padded with zeros to the longest, and found again in the outputs. */
import { float32Output, type TensorData } from "@parlance/inference";
import type { ParametricSection } from "./manifest-section.ts";
import { POSITION, type Steps } from "./steps.ts";
import type { Tokens } from "./tokens.ts";
import type { VoiceParameters } from "./vocoder.ts";

type Tensors = Record<string, TensorData>;

export function encoderInputs({ tensors }: ParametricSection, rows: readonly Tokens[]): Tensors {
  return {
    [tensors.symbols]: padded(rows.map(({ symbols }) => symbols)),
    [tensors.places]: padded(rows.map(({ places }) => places)),
    [tensors.symbolCounts]: lengths(rows.map(({ symbols }) => symbols.length)),
  };
}

export function decoderInputs({ tensors }: ParametricSection, encoded: Tensors, rows: readonly Steps[]): Tensors {
  const longest = Math.max(...rows.map(({ count }) => count));
  const position = new Float32Array(rows.length * longest * POSITION);
  for (const [at, row] of rows.entries()) position.set(row.position, at * longest * POSITION);
  const states = encoded[tensors.states];
  if (states === undefined) throw new TypeError(`the encoder gave no ${tensors.states}`);
  return {
    [tensors.states]: states,
    [tensors.index]: padded(rows.map(({ index }) => index)),
    [tensors.position]: { type: "float32", data: position, dims: [rows.length, longest, POSITION] },
    [tensors.stepCounts]: lengths(rows.map(({ count }) => count)),
  };
}

/** The first `count` values of a row of a [batch, values] output. */
export function rowOf(outputs: Tensors, name: string, row: number, count: number): Float32Array {
  const [, most = 0] = outputs[name]?.dims ?? [];
  return float32Output(outputs, name).subarray(row * most, row * most + count);
}

/** What the decoder says of a row of `steps` steps, as the vocoder reads it. */
export function rowParameters(
  section: ParametricSection,
  outputs: Tensors,
  row: number,
  steps: number,
): VoiceParameters {
  const { tensors, vocoder, framesPerStep } = section;
  const values = float32Output(outputs, tensors.parameters);
  const [, most = 0, width = 0] = outputs[tensors.parameters]?.dims ?? [];
  const coefficients = vocoder.order + 1;
  const bands = vocoder.bandEdges.length + 1;
  if (width !== 2 + coefficients + bands) {
    throw new TypeError(`${tensors.parameters} has ${width} values a frame, not ${2 + coefficients + bands}`);
  }
  const frames = steps * framesPerStep;
  const f0 = new Float32Array(frames);
  const cepstrum = new Float32Array(frames * coefficients);
  const strengths = new Float32Array(frames * bands);
  for (let frame = 0; frame < frames; frame++) {
    const at = (row * most + frame) * width;
    const voiced = (values[at + 1] ?? 0) > 0;
    f0[frame] = voiced ? Math.exp(values[at] ?? 0) : 0;
    cepstrum.set(values.subarray(at + 2, at + 2 + coefficients), frame * coefficients);
    for (let band = 0; band < bands; band++) {
      strengths[frame * bands + band] = Math.min(1, Math.max(0, values[at + 2 + coefficients + band] ?? 0));
    }
  }
  return { f0, cepstrum, strengths };
}

function padded(rows: readonly ArrayLike<number>[]): TensorData {
  const longest = Math.max(...rows.map(({ length }) => length));
  const data = new BigInt64Array(rows.length * longest);
  for (const [at, row] of rows.entries()) {
    for (let i = 0; i < row.length; i++) data[at * longest + i] = BigInt(row[i] ?? 0);
  }
  return { type: "int64", data, dims: [rows.length, longest] };
}

function lengths(counts: readonly number[]): TensorData {
  return { type: "int64", data: BigInt64Array.from(counts, BigInt), dims: [counts.length] };
}
