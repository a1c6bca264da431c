/**
 * The `ctc` architecture: one graph that says, frame by frame, how likely each phone or character is, run for as many rows of a
 * pass at a time, in as many pieces, as run-size.ts says; decoding row by row in TypeScript (row-decoder.ts). A pass gives way between pieces, runs and rows, and in
 * a row that takes long; it tells no parts, since a row is heard as a whole.
 *
 * Nothing is sampled, whatever temperature is asked for: the text is always the likeliest one.
 *
 * Rows are padded with zeros to the longest. The graph gets each row's length and must not let the padding change the
 * row's own frames. A manifest may ask for yet smaller runs on the CPU (`rowsPerCpuRun`).
 * Of a window of live speech only what is not settled is heard and searched, with a narrow beam (timed-window.ts), and by a quick
 * graph where the model has one (graphs.ts): a pass of windows and files runs both.
 * Rooms: emissions/ (what the graph says), language/ (words, how they are said, which follows which), search/ (the beam),
 * words/ (from labels to words).
 * State: the sessions, the lexicon and the language model, and the beams that search nothing.
 */
import { type Manifest, SAMPLE_RATE, toSpeechError } from "@parlance/contracts";
import {
  freeTensors,
  integerOutput,
  PassStopped,
  type PiecedSession,
  readSection,
  rowsOfRun,
  runInTurns,
} from "@parlance/inference";
import { cutStretches } from "../stretches.ts";
import type { ArchitectureContext, AsrArchitecture, AsrOutcome, AsrPass, AsrSegment } from "../types.ts";
import { windowResult } from "../windows/memory.ts";
import { createBatchMaker, rowEmissions } from "./batch.ts";
import { openGraphs } from "./graphs.ts";
import { loadDecoder } from "./load-decoder.ts";
import { ctcSectionSchema } from "./manifest-section.ts";
import type { RowEmissions } from "./row-decoder.ts";
import { type TimedWindow, timedWindow } from "./timed-window.ts";

export const ctcArchitecture: AsrArchitecture = {
  name: "ctc",
  async load(context) {
    const { manifest, options } = context;
    const section = readSection(manifest, "ctc", ctcSectionSchema, "MODEL_ID");
    const { frameSeconds } = section;
    const graphs = await openGraphs(context, section);
    try {
      const decode = await loadDecoder(context, section);
      const prepare = createBatchMaker(section);
      const { phones, characters, frames: framesName } = section.tensors;
      const outputs = [framesName, phones, characters].filter((name) => name !== undefined);
      const { maxBatchSize } = manifest.limits;
      const onCpu = context.device.provider === "cpu";
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

      const runRows = async (pass: AsrPass, session: PiecedSession, rows: readonly HeardRow[]): Promise<void> => {
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
        computeType: graphs.computeType,
        async run(pass) {
          const accepted = new Map<PiecedSession, HeardRow[]>();
          for (const [row, segment] of pass.rows.entries()) {
            const refused = refusal(context, segment);
            if (refused !== undefined) pass.end(row, refused);
            else if (segment.samples.length === 0) pass.end(row, silence(segment, manifest));
            else {
              const session = segment.window === undefined ? graphs.exact : await graphs.forWindows();
              accepted.set(session, [...(accepted.get(session) ?? []), [row, hearing(segment, frameSeconds)]]);
            }
          }
          const seconds = ([, heard]: HeardRow) => secondsOf(heard);
          const isOpen = ([row]: HeardRow) => pass.isOpen(row);
          let begun = false;
          for (const [session, rows] of accepted) {
            let left = rows.toSorted((a, b) => seconds(b) - seconds(a));
            while (left.length > 0) {
              if (begun) await pass.giveWay();
              begun = true;
              left = left.filter(isOpen);
              const next = left.splice(0, rowsOfRun(left.map(seconds), mostRows, graphs.secondsPerRun));
              if (next.length > 0) await runRows(pass, session, next);
              left = left.filter(isOpen);
            }
          }
        },
        close: () => graphs.close(),
      };
    } catch (error) {
      await graphs.close();
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

type HeardRow = readonly [row: number, heard: Heard];

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
