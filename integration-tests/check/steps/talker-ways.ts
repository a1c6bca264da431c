/**
 * Frames of speech against those of the steps on the CPU in float32: the loop in the graph and a run for every step, code by code, and
 * by the clock with several numbers of rows. Then how far the sound of a row in chunks is from its sound in one.
 */
import { framesPerSecond } from "../../bench/loop/measure-talker.ts";
import { beginningOf, compareCodes, otherCodes, runTalker, type TalkerAnswer } from "../../bench/loop/talker-child.ts";
import { quantile, round } from "../../bench/measure/statistics.ts";
import { type Order, sizes, type Tell } from "../order.ts";
import { programPath } from "../programs.ts";

type Way = "loop" | "step";
type Format = "float32" | "float16";

/** Of the largest sample: chunks of other sizes are other sums, in half precision coarse ones. */
const SEAMS = { float32: 1e-3, float16: 5e-2 } as const;

export async function talkerWays({ device, work, model }: Order, tell: Tell): Promise<void> {
  const { talkers, rounds } = sizes[device];
  const { compared, comparedFrames, batches, frames } = talkers;
  const common = { folder: `${work}/${model}`, program: programPath("qwen3-tts") };
  const reference = {
    device: "cpu",
    format: "float32",
    batches: [compared],
    frames: comparedFrames,
    rounds: 0,
  } as const;
  const expected = await runTalker({ ...common, ...reference, way: "step" });
  // A model that said one code for ever would agree with anything.
  const said = expected.batches.flatMap(({ codes }) => codes.flat());
  tell({ reference_tokens: said.length, reference_distinct: new Set(said).size });

  const inside: Format = device === "cuda" ? "float16" : "float32";
  const tries: [Way, Format][] = [
    ["loop", inside],
    ["step", inside],
    ...(device === "cuda" ? ([["loop", "float32"]] as [Way, Format][]) : []),
  ];
  const problems: string[] = [];
  const speeds = new Map<Way, number>();
  for (const [way, format] of tries) {
    const name = `${way}_${format}`;
    try {
      const answer = await runTalker({ ...common, way, format, device, batches, frames, rounds });
      const beginning = beginningOf(answer, compared, comparedFrames);
      const { share, sameRows, firstDifference } = compareCodes(expected, beginning);
      tell({
        [`tokens_${name}`]: {
          equal: round(share, 5),
          same_rows: sameRows,
          first_difference: firstDifference ?? null,
        },
        [`speech_${name}`]: figuresOf(answer),
      });
      if (format === inside) speeds.set(way, largestSpeed(answer));
      // In half precision random weights part sooner or later.
      const others = format === "float32" ? otherCodes(expected, beginning) : undefined;
      if (others !== undefined) problems.push(`${name}: ${others}`);
      if (!((answer.seam ?? Number.NaN) <= SEAMS[format])) problems.push(`${name}: a seam of ${answer.seam}`);
    } catch (error) {
      // The other ways are tried all the same.
      problems.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
    if (problems.length > 0) tell({ problems });
  }
  const [loop, step] = [speeds.get("loop"), speeds.get("step")];
  if (loop !== undefined && step !== undefined) tell({ loop_over_steps: round(loop / step) });
  if (problems.length > 0) throw new Error(problems.join("; "));
}

function figuresOf(answer: TalkerAnswer): object {
  const { load_s, memory_mb, seam, batches } = answer;
  return {
    ...{ load_s: round(load_s), memory_mb, seam: seam ?? null },
    rows: Object.fromEntries(
      batches.map((batch) => [
        batch.rows,
        {
          frames_per_s: round(framesPerSecond(batch, answer), 1),
          first_sound_s: round(quantile(batch.first_sound_s, 0.5)),
          every_first_sound_s: round(quantile(batch.every_first_sound_s, 0.5)),
        },
      ]),
    ),
  };
}

/** Of the most rows. */
function largestSpeed(answer: TalkerAnswer): number {
  const last = answer.batches.at(-1);
  return last === undefined ? 0 : framesPerSecond(last, answer);
}
