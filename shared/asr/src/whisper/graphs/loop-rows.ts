/**
 * Rows of a pass whose texts are said by the graph with the loop, and token by token where that graph cannot do it: such rows are heard
 * once more, and only they, because keys and values of the cross attention then travel.
 */
import type { GiveWay, PassRows, WhisperGraphs } from "./decoder.ts";
import { joined } from "./joined.ts";
import { createRowLoop, type RowLoopOptions } from "./row-loop.ts";

export interface LoopRowsOptions extends Omit<RowLoopOptions, "states" | "giveWay"> {
  stepwise: Pick<WhisperGraphs, "hear" | "open">;
  giveWay: GiveWay;
}

export function createLoopRows({ stepwise, giveWay, ...options }: LoopRowsOptions): PassRows {
  const features = new Map<number, Float32Array>();
  const states = new Map<number, Float32Array>();
  const heard = new Set<number>();
  const inner = stepwise.open(1, giveWay);
  const loop = createRowLoop({ ...options, states, giveWay });

  async function hearAgain(rows: Iterable<number>): Promise<void> {
    for (const row of rows) {
      if (heard.has(row)) continue;
      await inner.hear(new Map([[row, features.get(row) ?? new Float32Array()]]));
      heard.add(row);
    }
  }

  return {
    loop,
    async hear(given) {
      const rows = [...given.keys()];
      const all = await stepwise.hear(joined([...given.values()]), giveWay);
      const length = all.length / rows.length;
      for (const [place, row] of rows.entries()) {
        // A view: the rows of a run mostly leave one another's company late.
        states.set(row, all.subarray(place * length, (place + 1) * length));
        features.set(row, given.get(row) ?? new Float32Array());
      }
    },
    start: (prompts) => loop.start(prompts),
    async read(prompts) {
      await hearAgain(prompts.keys());
      return inner.read(prompts);
    },
    step: (steps, wanted) => inner.step(steps, wanted),
    async align(row, spoken) {
      await hearAgain([row]);
      return inner.align(row, spoken);
    },
    drop(row) {
      inner.drop(row);
      heard.delete(row);
      states.delete(row);
      features.delete(row);
    },
    close: () => inner.close(),
  };
}
