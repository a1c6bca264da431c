/**
 * The `ctc` architecture: one graph that says, frame by frame, how likely each phone or character is; one batched run for
 * a pass; decoding row by row in TypeScript (row-decoder.ts).
 *
 * Rows are padded with zeros to the longest. The graph gets each row's length and must not let the padding change the
 * row's own frames. A manifest may ask for smaller runs on the CPU (`rowsPerCpuRun`): a small model gains nothing from
 * sharing its weights between rows and loses its caches to the activations of a whole pass.
 * Rooms: emissions/ (what the graph says), language/ (words, how they are said, which follows which), search/ (the beam),
 * words/ (from labels to words).
 * State: the session, the lexicon and the language model, and one buffer for the batch that grows.
 */
import { join } from "node:path";
import { type Manifest, SAMPLE_RATE, SpeechError, toSpeechError } from "@parlance/contracts";
import { chooseGraph, createSession, inOneRun, integerOutput } from "@parlance/inference";
import type { ArchitectureContext, AsrArchitecture, AsrOutcome, AsrSegment } from "../types.ts";
import { createBatchMaker, rowEmissions } from "./batch.ts";
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
      const prepare = createBatchMaker(section);
      const { phones, characters, frames: framesName } = section.tensors;
      const { maxBatchSize } = manifest.limits;
      const onCpu = context.device.provider === "cpu";
      const rowsPerRun = Math.min(maxBatchSize, onCpu ? (section.rowsPerCpuRun ?? maxBatchSize) : maxBatchSize);
      const outputs = [framesName, phones, characters].filter((name) => name !== undefined);

      const runRows = async (rows: readonly AsrSegment[]): Promise<AsrOutcome[]> => {
        const results = await session.run(prepare(rows), outputs);
        const frames = integerOutput(results, framesName);
        const head = (name: string | undefined, row: number) => rowEmissions(results, name, row, frames[row] ?? 0);
        return rows.map((segment, row) => {
          const emissions = { phones: head(phones, row), characters: head(characters, row) };
          const seconds = segment.samples.length / SAMPLE_RATE;
          try {
            const decoded = decode(emissions, segment, seconds);
            return { ok: true, result: { ...decoded, language: languageOf(segment, manifest), truncated: false } };
          } catch (error) {
            const failure = toSpeechError(error);
            if (failure.code === "internal") options.log("decoding failed", { error: String(error) });
            return { ok: false, failure: failure.toFailure() };
          }
        });
      };

      return {
        computeType,
        run: inOneRun(async (segments) => {
          const outcomes = segments.map((segment) => refusal(context, segment) ?? silence(segment, manifest));
          const accepted = [...segments.entries()]
            .filter(([row, { samples }]) => outcomes[row]?.ok === true && samples.length > 0)
            .toSorted(([, a], [, b]) => b.samples.length - a.samples.length);
          for (let from = 0; from < accepted.length; from += rowsPerRun) {
            const rows = accepted.slice(from, from + rowsPerRun);
            const results = await runRows(rows.map(([, segment]) => segment));
            for (const [index, result] of results.entries()) outcomes[rows[index]?.[0] ?? 0] = result;
          }
          return outcomes;
        }),
        close: () => session.close(),
      };
    } catch (error) {
      await session.close();
      throw error;
    }
  },
};

/** What comes of a segment without a sample. */
function silence(segment: AsrSegment, manifest: Manifest): AsrOutcome {
  return {
    ok: true,
    result: { text: "", language: languageOf(segment, manifest), words: [], score: null, truncated: false },
  };
}

/** A CTC model cannot tell languages apart: it answers what was asked for, or the only one that it knows. */
function languageOf({ language }: AsrSegment, { languages }: Manifest): string {
  if (language !== "auto") return language;
  return languages.length === 1 ? (languages[0] ?? "") : "";
}

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
