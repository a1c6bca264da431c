/** Runs one way of making frames of speech, in a process of its own. */
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { askChild } from "./bench-child.ts";
import type { Format } from "./bench-models.ts";
import type { Comparison } from "./comparison.ts";
import { compareTokens } from "./comparison.ts";

const batchSchema = z.object({
  rows: z.number().int(),
  /** All codes of a row, frame by frame. */
  codes: z.array(z.array(z.number().int())),
  /** From prompts to the last frame, without the codec. */
  seconds: z.array(z.number()),
  /** From prompts to the first sound of the first row, and of the last one. */
  first_sound_s: z.array(z.number()),
  every_first_sound_s: z.array(z.number()),
});
export type TalkedBatch = z.infer<typeof batchSchema>;

/** What shared/tts/bench/loop/ways prints last. */
const answerSchema = z.object({
  load_s: z.number(),
  /** The most that the process had. */
  memory_mb: z.number(),
  codebooks: z.number().int(),
  batches: z.array(batchSchema),
  /** Difference of sound in chunks from sound in one, as a part of its largest sample. */
  seam: z.number().optional(),
});
export type TalkerAnswer = z.infer<typeof answerSchema>;

export interface TalkerOrder {
  folder: string;
  way: "loop" | "step";
  device: "cpu" | "cuda";
  format: Format;
  batches: readonly number[];
  frames: number;
  rounds: number;
  /** Where the program lies; default: among the sources. */
  program?: string;
}

/** Throws with the end of the child's error output. */
export async function runTalker({ program = source, ...order }: TalkerOrder): Promise<TalkerAnswer> {
  return answerSchema.parse(await askChild(program, order));
}

const source = fileURLToPath(new URL("../../../shared/tts/bench/loop/ways/qwen3-tts.ts", import.meta.url));

/** Of the codes of all rows of all batches. */
export function compareCodes(expected: TalkerAnswer, found: TalkerAnswer): Comparison {
  const all = ({ batches }: TalkerAnswer) => ({ tokens: batches.flatMap(({ codes }) => codes) });
  return compareTokens(all(expected), all(found));
}

/** Frames that all rows of a batch have said. */
export function framesOf({ codes }: TalkedBatch, codebooks: number): number {
  return codes.reduce((sum, row) => sum + row.length, 0) / codebooks;
}

/** Of rows that begin with another frame than expected, how many there may be: a draw that falls between two codes is decided by rounding. */
const OTHERWISE = 1 / 4;

/** A sentence when it is not rounding any more that makes the codes differ. */
export function otherCodes(expected: TalkerAnswer, found: TalkerAnswer): string | undefined {
  const begins = (answer: TalkerAnswer) =>
    answer.batches.flatMap(({ codes }) => codes.map((row) => row.slice(0, answer.codebooks).join(" ")));
  const others = begins(found);
  const different = begins(expected).filter((begin, row) => begin !== others[row]).length;
  if (different <= OTHERWISE * others.length) return undefined;
  return `${different} of ${others.length} rows begin with other codes, first at ${compareCodes(expected, found).firstDifference}`;
}

/** The first rows and frames of an answer's last batch, to be compared with one that asked for fewer. */
export function beginningOf(answer: TalkerAnswer, rows: number, frames: number): TalkerAnswer {
  const last = answer.batches.at(-1);
  if (last === undefined) throw new RangeError("nothing was said");
  const codes = last.codes.slice(0, rows).map((row) => row.slice(0, frames * answer.codebooks));
  return { ...answer, batches: [{ ...last, rows, codes }] };
}
