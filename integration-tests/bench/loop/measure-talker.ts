/** Makes frames of one model by every way and format, and compares the codes with those of the steps on the CPU in float32. */
import { round, spread } from "../measure/statistics.ts";
import type { Format } from "./bench-models.ts";
import type { Comparison } from "./comparison.ts";
import { compareCodes, framesOf, otherCodes, runTalker, type TalkedBatch, type TalkerAnswer } from "./talker-child.ts";
import type { TalkerModel } from "./talker-models.ts";

export interface TalkerSizes {
  device: "cpu" | "cuda";
  formats: readonly string[];
  batches: readonly number[];
  frames: number;
  rounds: number;
}

export interface TalkerMeasured {
  model: string;
  way: "loop" | "step";
  format: Format;
  answer: TalkerAnswer;
  comparison: Comparison;
}

/** Of 80 ms. */
export const FRAMES_PER_SECOND = 12.5;

export async function measureTalker(
  { name: model, folder, formats }: TalkerModel,
  sizes: TalkerSizes,
): Promise<{ measured: TalkerMeasured[]; failures: string[] }> {
  const { device, batches, frames, rounds } = sizes;
  const measured: TalkerMeasured[] = [];
  const failures: string[] = [];
  const attempt = async (
    name: string,
    order: Pick<TalkerMeasured, "way" | "format">,
    on: "cpu" | "cuda",
    turns: number,
  ) =>
    runTalker({ ...order, folder, batches, frames, device: on, rounds: turns }).catch((error: Error) => {
      failures.push(`${name}: ${error.message}`);
    });
  const expected = await attempt(`${model}, reference on the CPU`, { way: "step", format: "float32" }, "cpu", 0);
  if (!expected) return { measured, failures };
  for (const format of formats.filter((each) => sizes.formats.includes(each))) {
    for (const way of ["loop", "step"] as const) {
      const name = `${model}, ${way}, ${format}`;
      const answer = await attempt(name, { way, format }, device, rounds);
      if (!answer) continue;
      const comparison = compareCodes(expected, answer);
      measured.push({ model, way, format, answer, comparison });
      console.log(`${name}: ${(100 * comparison.share).toFixed(2)} % of the codes are the CPU's`);
      const others = format === "float32" ? otherCodes(expected, answer) : undefined;
      if (others !== undefined) failures.push(`${name}: ${others}`);
    }
  }
  return { measured, failures };
}

/** Of the last line: an object for each model, way, format and number of rows. */
export function talkersToJson(all: readonly TalkerMeasured[]): Record<string, unknown>[] {
  return all.flatMap(({ model, way, format, answer, comparison }) =>
    answer.batches.map((batch) => ({
      ...{ model, way, format, rows: batch.rows, frames: framesOf(batch, answer.codebooks) },
      frames_per_s: round(framesPerSecond(batch, answer), 2),
      first_sound_s: round(spread(batch.first_sound_s).median, 4),
      every_first_sound_s: round(spread(batch.every_first_sound_s).median, 4),
      codes_equal: round(comparison.share, 5),
      ...{ load_s: round(answer.load_s, 2), memory_mb: answer.memory_mb },
      ...(answer.seam === undefined ? {} : { seam: answer.seam }),
    })),
  );
}

/** Of all rows together, median of the rounds. */
export function framesPerSecond(batch: TalkedBatch, { codebooks }: TalkerAnswer): number {
  return framesOf(batch, codebooks) / spread(batch.seconds).median;
}
