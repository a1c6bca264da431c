/** Between segments and tensors: rows are padded with zeros to the longest; each row's frames are found in the outputs. */
import { float32Output, type TensorData } from "@parlance/inference";
import { createLogMel } from "../features/log-mel.ts";
import type { AsrSegment } from "../types.ts";
import type { Emissions } from "./emissions/emissions.ts";
import type { CtcSection } from "./manifest-section.ts";

export type BatchMaker = (rows: readonly Pick<AsrSegment, "samples">[]) => Record<string, TensorData>;

export function createBatchMaker(section: CtcSection): BatchMaker {
  return section.input === "waveform" ? createWaveformBatch(section) : createMelBatch(section);
}

function createWaveformBatch({ tensors }: Extract<CtcSection, { input: "waveform" }>): BatchMaker {
  return (rows) => {
    const longest = rows.reduce((most, { samples }) => Math.max(most, samples.length), 0);
    const data = new Float32Array(rows.length * longest);
    for (const [row, { samples }] of rows.entries()) {
      const from = row * longest;
      for (let index = 0; index < samples.length; index++) data[from + index] = (samples[index] ?? 0) / 32_768;
    }
    return {
      [tensors.audio]: { type: "float32", data, dims: [rows.length, longest] },
      [tensors.lengths]: lengthsTensor(rows.map(({ samples }) => samples.length)),
    };
  };
}

function createMelBatch({ tensors, mels }: Extract<CtcSection, { input: "log-mel" }>): BatchMaker {
  const extract = createLogMel(mels);
  return (rows) => {
    const features = rows.map(({ samples }) => extract(Float32Array.from(samples, (sample) => sample / 32_768)));
    const longest = features.reduce((most, { frames }) => Math.max(most, frames), 1);
    const data = new Float32Array(rows.length * mels * longest);
    for (const [row, { data: levels, frames }] of features.entries()) {
      for (let mel = 0; mel < mels; mel++) {
        data.set(levels.subarray(mel * frames, (mel + 1) * frames), (row * mels + mel) * longest);
      }
    }
    return {
      [tensors.features]: { type: "float32", data, dims: [rows.length, mels, longest] },
      [tensors.lengths]: lengthsTensor(features.map(({ frames }) => frames)),
    };
  };
}

function lengthsTensor(lengths: readonly number[]): TensorData {
  return { type: "int64", data: BigInt64Array.from(lengths, BigInt), dims: [lengths.length] };
}

/** What one head says of one row; undefined when the model has no such head. */
export function rowEmissions(
  results: Readonly<Record<string, TensorData>>,
  name: string | undefined,
  row: number,
  frames: number,
): Emissions | undefined {
  if (name === undefined) return undefined;
  const data = float32Output(results, name);
  const [, most = 0, labels = 0] = results[name]?.dims ?? [];
  return { data, offset: row * most * labels, frames: Math.min(frames, most), labels };
}
