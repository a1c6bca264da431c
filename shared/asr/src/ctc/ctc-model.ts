/**
 * The `ctc` architecture: one graph that says, frame by frame, how likely each phone or character is; one batched run for
 * a pass; decoding row by row in TypeScript (row-decoder.ts).
 *
 * Rows are padded with zeros to the longest. The graph gets each row's length and must not let the padding change the
 * row's own frames. State: the session, the lexicon and the language model, and one buffer for the batch that grows.
 */
import { join } from "node:path";
import { SAMPLE_RATE, SpeechError, toSpeechError } from "@parlance/contracts";
import { chooseGraph, createSession, float32Output, integerOutput, type TensorData } from "@parlance/inference";
import { createLogMel } from "../features/log-mel.ts";
import type { ArchitectureContext, AsrArchitecture, AsrOutcome, AsrSegment } from "../types.ts";
import type { Emissions } from "./emissions.ts";
import { loadDecoder } from "./load-decoder.ts";
import { type CtcSection, ctcSectionSchema } from "./manifest-section.ts";

export const ctcArchitecture: AsrArchitecture = {
  name: "ctc",
  async load(context) {
    const { manifest, folder, options } = context;
    const section = readSection(context);
    const { role, computeType } = chooseGraph({
      manifest,
      role: "graph",
      wanted: options.computeType,
      provider: context.device.provider,
    });
    const graph = join(folder, manifest.files[role]?.path ?? "");
    const session = await createSession(graph, { device: context.device, threads: options.threads });
    try {
      checkTensors(manifest.name, section, session.inputNames, session.outputNames);
      const decode = await loadDecoder(context, section);
      const prepare = section.input === "waveform" ? createWaveformBatch(section) : createMelBatch(section);
      const { phones, characters, frames: framesName } = section.tensors;
      const outputs = [framesName, phones, characters].filter((name) => name !== undefined);

      const runRows = async (rows: readonly AsrSegment[]): Promise<AsrOutcome[]> => {
        const results = await session.run(prepare(rows), outputs);
        const frames = integerOutput(results, framesName);
        const head = (name: string | undefined, row: number) => rowEmissions(results, name, row, frames[row] ?? 0);
        return rows.map((segment, row) => {
          const emissions = { phones: head(phones, row), characters: head(characters, row) };
          const seconds = segment.samples.length / SAMPLE_RATE;
          return outcomeOf(() => decode(emissions, segment, seconds), manifest.languages[0] ?? "");
        });
      };

      return {
        computeType,
        async transcribe(segments) {
          const outcomes: AsrOutcome[] = segments.map((segment) => refusal(context, segment) ?? emptyOutcome);
          const accepted = [...segments.keys()].filter((row) => {
            return outcomes[row]?.ok === true && (segments[row]?.samples.length ?? 0) > 0;
          });
          const { maxBatchSize } = manifest.limits;
          for (let from = 0; from < accepted.length; from += maxBatchSize) {
            const rows = accepted.slice(from, from + maxBatchSize);
            const results = await runRows(rows.flatMap((row) => segments[row] ?? []));
            for (const [index, row] of rows.entries()) outcomes[row] = results[index] ?? emptyOutcome;
          }
          return outcomes;
        },
        close: () => session.close(),
      };
    } catch (error) {
      await session.close();
      throw error;
    }
  },
};

/** What comes of a segment without a sample. */
const emptyOutcome: AsrOutcome = {
  ok: true,
  result: { text: "", language: "", words: [], score: null, truncated: false },
};

function readSection({ manifest }: ArchitectureContext): CtcSection {
  const parsed = ctcSectionSchema.safeParse(manifest.ctc);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = ["ctc", ...(issue?.path ?? [])].map(String).join(".");
  throw new SpeechError(
    "validation_failed",
    `manifest of ${manifest.name}: ${field}: ${issue?.message ?? "is not valid"}`,
    {
      cause: parsed.error,
      param: "MODEL_ID",
    },
  );
}

function checkTensors(model: string, section: CtcSection, inputs: readonly string[], outputs: readonly string[]): void {
  const { frames, phones, characters, lengths } = section.tensors;
  const source = section.input === "waveform" ? section.tensors.audio : section.tensors.features;
  const missing = [
    ...[source, lengths].filter((name) => !inputs.includes(name)),
    ...[frames, phones, characters].filter((name) => name !== undefined && !outputs.includes(name)),
  ];
  if (missing.length === 0) return;
  throw new SpeechError(
    "validation_failed",
    `model ${model}: its graph has no ${missing.join(", ")} (inputs ${inputs.join(", ")}; outputs ${outputs.join(", ")})`,
    { param: "MODEL_ID" },
  );
}

function refusal({ manifest }: ArchitectureContext, segment: AsrSegment): AsrOutcome | undefined {
  const { language, samples } = segment;
  if (language !== "auto" && !manifest.languages.includes(language)) {
    const known = manifest.languages.join(", ");
    return {
      ok: false,
      failure: {
        code: "language_unsupported",
        message: `${manifest.name} does not know ${language}: it knows ${known}.`,
        param: "language",
      },
    };
  }
  const { maxSegmentSeconds } = manifest.limits;
  if (samples.length <= maxSegmentSeconds * SAMPLE_RATE) return undefined;
  const seconds = (samples.length / SAMPLE_RATE).toFixed(1);
  return {
    ok: false,
    failure: {
      code: "audio_too_long",
      message: `A segment has ${seconds} s; ${manifest.name} takes at most ${maxSegmentSeconds} s.`,
    },
  };
}

function outcomeOf(
  decode: () => { text: string; words: { start: number; end: number; text: string }[]; score: number | null },
  language: string,
): AsrOutcome {
  try {
    const { text, words, score } = decode();
    return { ok: true, result: { text, language: text === "" ? "" : language, words, score, truncated: false } };
  } catch (error) {
    return { ok: false, failure: toSpeechError(error).toFailure() };
  }
}

function rowEmissions(
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

type BatchMaker = (rows: readonly AsrSegment[]) => Record<string, TensorData>;

/** One buffer for every batch: it grows to the largest and is used again. */
function createBuffer(): (size: number) => Float32Array {
  let buffer = new Float32Array(0);
  return (size) => {
    if (size > buffer.length) buffer = new Float32Array(size);
    return buffer.subarray(0, size);
  };
}

function createWaveformBatch({ tensors }: Extract<CtcSection, { input: "waveform" }>): BatchMaker {
  const take = createBuffer();
  return (rows) => {
    const longest = rows.reduce((most, { samples }) => Math.max(most, samples.length), 0);
    const data = take(rows.length * longest);
    for (const [row, { samples }] of rows.entries()) {
      const from = row * longest;
      for (let index = 0; index < samples.length; index++) data[from + index] = (samples[index] ?? 0) / 32_768;
      data.fill(0, from + samples.length, from + longest);
    }
    return {
      [tensors.audio]: { type: "float32", data, dims: [rows.length, longest] },
      [tensors.lengths]: lengthsTensor(rows.map(({ samples }) => samples.length)),
    };
  };
}

function createMelBatch({ tensors, mels }: Extract<CtcSection, { input: "log-mel" }>): BatchMaker {
  const take = createBuffer();
  const extract = createLogMel(mels);
  return (rows) => {
    const features = rows.map(({ samples }) => extract(Float32Array.from(samples, (sample) => sample / 32_768)));
    const longest = features.reduce((most, { frames }) => Math.max(most, frames), 1);
    const data = take(rows.length * mels * longest).fill(0);
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
