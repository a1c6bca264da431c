/**
 * Greedy decoding against the CPU's in float32: the loop in the graph and a run for every token, token by token, then by the clock with more
 * rows. Each way runs in a process of its own, as in `bench:loop`.
 */
import { compareTokens } from "../../bench/loop/comparison.ts";
import { runWay, type WayAnswer } from "../../bench/loop/way-child.ts";
import { quantile, round } from "../../bench/measure/statistics.ts";
import { isModel, type Order, sizes, speaking, type Tell } from "../order.ts";
import { programPath } from "../programs.ts";

type Way = "loop" | "step";
type Format = "float32" | "float16";

export async function ways({ device, work, model }: Order, tell: Tell): Promise<void> {
  if (!isModel(model) || speaking(model)) throw new Error(`there is no model ${model}`);
  const architecture = model === "whisper-base" ? "whisper" : "qwen3-asr";
  const { ways: numbers, rounds } = sizes[device];
  const folder = `${work}/${model}`;
  const run = (way: Way, on: "cpu" | "cuda", format: Format, rows: number, turns: number): Promise<WayAnswer> =>
    runWay({
      model: { name: model, architecture, folder, formats: [format], ways: [way] },
      program: programPath(architecture),
      ...{ way, device: on, format, rows, rounds: turns, seconds: numbers.seconds, budget: numbers.budget },
      inputs: `${work}/${model}-${rows}.inputs`,
      cuda: {},
    });

  const expected = await run("step", "cpu", "float32", numbers.compared, 0);
  // A model that said one token for ever would agree with anything.
  const said = expected.tokens.flat();
  tell({ reference_tokens: said.length, reference_distinct: new Set(said).size });
  const inside: Format = device === "cuda" ? "float16" : "float32";
  const problems: string[] = [];
  const tries: [Way, Format][] = [
    ["loop", inside],
    ...(device === "cuda" ? ([["loop", "float32"]] as [Way, Format][]) : []),
  ];
  for (const [way, format] of tries) {
    await kept(`${way} in ${format}`, async () => {
      const { share, sameRows, firstDifference } = compareTokens(
        expected,
        await run(way, device, format, numbers.compared, 0),
      );
      tell({
        [`tokens_${way}_${format}`]: {
          equal: round(share, 5),
          same_rows: sameRows,
          first_difference: firstDifference ?? null,
        },
      });
      // In half precision random weights part sooner or later; with the same numbers they may not.
      if (format === "float32" && share < 1) throw new Error(`other tokens than the CPU's: ${firstDifference}`);
    });
  }
  const seconds = new Map<Way, number>();
  for (const way of ["loop", "step"] as const) {
    await kept(`${way} by the clock`, async () => {
      const answer = await run(way, device, inside, numbers.timed, rounds);
      const median = quantile(answer.seconds, 0.5);
      seconds.set(way, median);
      const tokens = answer.tokens.reduce((sum, { length }) => sum + length, 0);
      tell({
        [`${way}_s`]: round(median),
        [`${way}_load_s`]: round(answer.load_s),
        [`${way}_tokens_per_s`]: round(tokens / median, 1),
      });
    });
  }
  const [loop, step] = [seconds.get("loop"), seconds.get("step")];
  if (loop !== undefined && step !== undefined) tell({ loop_over_steps: round(step / loop) });
  if (problems.length > 0) throw new Error(problems.join("; "));

  /** The other ways are tried all the same. */
  async function kept(name: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : error}`);
      tell({ problems });
    }
  }
}
