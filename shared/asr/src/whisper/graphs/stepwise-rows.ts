/**
 * Rows of a pass that are decoded token by token after all: they are heard once more, and only they, because keys and
 * values of the cross attention then travel. State: what was heard last; fewer rows of it need not be heard again.
 */
import type { EncodedRows, WhisperGraphs } from "./decoder.ts";

export function createStepwiseRows(
  graphs: Pick<WhisperGraphs, "encode">,
  features: readonly Float32Array[],
): Pick<EncodedRows, "begin" | "align"> {
  let heard: { rows: readonly number[]; encoded: EncodedRows } | undefined;

  async function hear(rows: readonly number[]) {
    const known = heard;
    if (known !== undefined && rows.every((row) => known.rows.includes(row))) return known;
    const chosen = rows.flatMap((row) => features[row] ?? []);
    heard = { rows, encoded: await graphs.encode(chosen) };
    return heard;
  }

  return {
    async begin(options) {
      const { rows, encoded } = await hear([...options.prompts.keys()]);
      const places = <T>(named: ReadonlyMap<number, T>) => renamed(named, (row) => rows.indexOf(row));
      const names = <T>(placed: ReadonlyMap<number, T>) => renamed(placed, (place) => rows[place] ?? -1);
      const stream = await encoded.begin({ ...options, prompts: places(options.prompts) });
      return {
        start: names(stream.start),
        first: names(stream.first),
        step: async (steps) => names(await stream.step(places(steps))),
      };
    },
    async align(tokens, frames) {
      const { rows, encoded } = await hear([...tokens.keys()]);
      const placed = renamed(tokens, (row) => rows.indexOf(row));
      const answers = await encoded.align(placed, (place) => frames(rows[place] ?? -1));
      return renamed(answers ?? new Map(), (place) => rows[place] ?? -1);
    },
  };
}

function renamed<T>(map: ReadonlyMap<number, T>, name: (key: number) => number): Map<number, T> {
  return new Map([...map].map(([key, value]) => [name(key), value]));
}
