/** The texts that a row still follows, as the places of the tree that each came by: what none of them came by is forgotten. Pure. */

export interface LivePaths {
  /** Places that go on being needed, ascending: those of the prompt first. */
  kept: number[];
  /** The paths once those places are the first ones; of a text that is given up, none. */
  paths: number[][];
}

/**
 * @param paths each text's places, without the prompt's
 * @param parents which of the texts the next nodes go on from
 * @param prompt places of the prompt, which are the tree's first ones
 */
export function livePaths(
  paths: readonly (readonly number[])[],
  parents: readonly number[],
  prompt: number,
): LivePaths {
  const isLive = new Set(parents);
  const said = [...new Set(paths.flatMap((path, text) => (isLive.has(text) ? path : [])))].sort((a, b) => a - b);
  const moved = new Map(said.map((place, index) => [place, prompt + index]));
  return {
    kept: [...Array.from({ length: prompt }, (_, place) => place), ...said],
    paths: paths.map((path, text) => (isLive.has(text) ? path.flatMap((place) => moved.get(place) ?? []) : [])),
  };
}
