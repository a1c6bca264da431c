/**
 * The `ctc` architecture: one graph that says, frame by frame, how likely each phone or character is, run for as many rows of a
 * pass at a time, in as many pieces, as run-size.ts says; decoding row by row in TypeScript (row-decoder.ts). A pass gives way between pieces, runs and rows, and in
 * a row that takes long; it tells no parts, since a row is heard as a whole.
 *
 * Nothing is sampled, whatever temperature is asked for: the text is always the likeliest one.
 *
 * Rows are padded with zeros to the longest. The graph gets each row's length and must not let the padding change the
 * row's own frames. A manifest may ask for yet smaller runs on the CPU (`rowsPerCpuRun`).
 * Of a window of live speech only what is not settled is heard and searched, with a narrow beam (timed-window.ts).
 * Rooms: emissions/ (what the graph says), language/ (words, how they are said, which follows which), search/ (the beam),
 * words/ (from labels to words).
 * State: the session, the lexicon and the language model, and the beams that search nothing.
 */
import { join } from "node:path";
import { type Manifest, SAMPLE_RATE, SpeechError, toSpeechError } from "@parlance/contracts";
import {
  chooseGraph,
  createPiecedSession,
  freeTensors,
  integerOutput,
  PassStopped,
  readSection,
  rowsOfRun,
  runInTurns,
} from "@parlance/inference";
import { cutStretches } from "../stretches.ts";
import type { ArchitectureContext, AsrArchitecture, AsrOutcome, AsrPass, AsrSegment } from "../types.ts";
import { windowResult } from "../windows/memory.ts";
import { createBatchMaker, rowEmissions } from "./batch.ts";
import { loadDecoder } from "./load-decoder.ts";
import { type CtcSection, ctcSectionSchema } from "./manifest-section.ts";
import type { RowEmissions } from "./row-decoder.ts";
import { cpuRunSize } from "./run-size.ts";
import { type TimedWindow, timedWindow } from "./timed-window.ts";

export const ctcArchitecture: AsrArchitecture = {
  name: "ctc",
  async load(context) {
    const { manifest, folder, options } = context;
    const section = readSection(manifest, "ctc", ctcSectionSchema, "MODEL_ID");
    const { role, computeType } = chooseGraph({
      manifest,
      role: "graph",
      wanted: options.computeType,
      provider: context.device.provider,
    });
    const graph = join(folder, manifest.files[role]?.path ?? "");
    const onCpu = context.device.provider === "cpu";
    const { frameSeconds } = section;
    const size = onCpu
      ? cpuRunSize({ manifest, role, computeType, frameSeconds })
      : { pieces: 1, seconds: Number.POSITIVE_INFINITY };
    const { threads, log } = options;
    const session = await createPiecedSession(graph, { device: context.device, threads, log }, size.pieces);
    try {
      checkTensors(manifest.name, section, session.inputNames, session.outputNames);
      const decode = await loadDecoder(context, section);
      const prepare = createBatchMaker(section);
      const { phones, characters, frames: framesName } = section.tensors;
      const outputs = [framesName, phones, characters].filter((name) => name !== undefined);
      const { maxBatchSize } = manifest.limits;
      const mostRows = Math.min(maxBatchSize, onCpu ? (section.rowsPerCpuRun ?? maxBatchSize) : maxBatchSize);

      /** Undefined when the row was stopped on the way. */
      const decodeRow = async (
        pass: AsrPass,
        row: number,
        { segment, window, samples }: Heard,
        emissions: RowEmissions,
      ): Promise<AsrOutcome | undefined> => {
        const wishes = window === undefined ? segment : { ...segment, timestamps: true, quick: true };
        const work = decode(window?.searched(emissions) ?? emissions, wishes, secondsOf({ samples }));
        try {
          const decoded = await runInTurns(work, pass, row);
          if (decoded === undefined) return undefined;
          const told = { language: languageOf(segment, manifest), truncated: false };
          if (window !== undefined) {
            return { ok: true, result: windowResult(window.hear(decoded.words), { ...told, score: decoded.score }) };
          }
          const stretches = cutStretches({ ...decoded, seconds: secondsOf(segment) });
          return { ok: true, result: { ...decoded, ...told, stretches } };
        } catch (error) {
          if (error instanceof PassStopped) throw error;
          const failure = toSpeechError(error);
          if (failure.code === "internal") options.log("decoding failed", { error: String(error) });
          return { ok: false, failure: failure.toFailure() };
        }
      };

      const runRows = async (pass: AsrPass, rows: readonly [row: number, heard: Heard][]): Promise<void> => {
        const inputs = prepare(rows.map(([, heard]) => heard));
        const results = await session.run(inputs, () => pass.giveWay(), outputs).finally(() => freeTensors(inputs));
        try {
          const frames = integerOutput(results, framesName);
          for (const [place, [row, heard]] of rows.entries()) {
            await pass.giveWay();
            if (!pass.isOpen(row)) continue;
            const head = (name: string | undefined) => rowEmissions(results, name, place, frames[place] ?? 0);
            const outcome = await decodeRow(pass, row, heard, { phones: head(phones), characters: head(characters) });
            if (outcome !== undefined) pass.end(row, outcome);
          }
        } finally {
          freeTensors(results);
        }
      };

      return {
        computeType,
        async run(pass) {
          const accepted: [row: number, heard: Heard][] = [];
          for (const [row, segment] of pass.rows.entries()) {
            const refused = refusal(context, segment);
            if (refused !== undefined) pass.end(row, refused);
            else if (segment.samples.length === 0) pass.end(row, silence(segment, manifest));
            else accepted.push([row, hearing(segment, frameSeconds)]);
          }
          const seconds = ([, heard]: (typeof accepted)[number]) => secondsOf(heard);
          const isOpen = ([row]: (typeof accepted)[number]) => pass.isOpen(row);
          let left = accepted.toSorted((a, b) => seconds(b) - seconds(a));
          for (let begun = false; left.length > 0; begun = true) {
            if (begun) await pass.giveWay();
            left = left.filter(isOpen);
            await runRows(pass, left.splice(0, rowsOfRun(left.map(seconds), mostRows, size.seconds)));
            left = left.filter(isOpen);
          }
        },
        close: () => session.close(),
      };
    } catch (error) {
      await session.close();
      throw error;
    }
  },
};

/** A row, and what of it is heard: of a window, what is not settled yet. */
interface Heard {
  segment: AsrSegment;
  window: TimedWindow | undefined;
  samples: Int16Array;
}

function hearing(segment: AsrSegment, frameSeconds: number): Heard {
  const window = timedWindow(segment, frameSeconds);
  return { segment, window, samples: window?.samples ?? segment.samples };
}

function secondsOf({ samples }: Pick<AsrSegment, "samples">): number {
  return samples.length / SAMPLE_RATE;
}

/** What comes of a segment without a sample. */
function silence(segment: AsrSegment, manifest: Manifest): AsrOutcome {
  const told = { language: languageOf(segment, manifest), score: null, truncated: false };
  const heard = timedWindow(segment, 1)?.hear([]);
  if (heard !== undefined) return { ok: true, result: windowResult(heard, told) };
  return {
    ok: true,
    result: { ...told, text: "", words: [], stretches: [] },
  };
}

/** A CTC model cannot tell languages apart: it answers what was asked for, or the only one that it knows. */
function languageOf({ language }: AsrSegment, { languages }: Manifest): string {
  if (language !== "auto") return language;
  return languages.length === 1 ? (languages[0] ?? "") : "";
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
  const { language, samples, translate } = segment;
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
  if (translate === true) {
    const message = `${manifest.name} cannot translate: it writes what is said, in the language in which it is said.`;
    return { ok: false, failure: { code: "validation_failed", message, param: "translate" } };
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
