/** How likely given texts are behind a prompt, which is read once: they are said side by side, a token of each in a run. */
import { float32Output, freeTensors } from "@parlance/inference";
import type { DecoderGraph } from "./decoder-graph.ts";
import type { GiveWay } from "./decoding.ts";
import { createCache } from "./key-value-cache.ts";
import type { PromptRow } from "./prompt-batch.ts";

/** Continuations that are said side by side. */
const WEIGHED_TOGETHER = 16;

/** Natural log of each. */
export async function weighContinuations(
  { graph, padToken, giveWay }: { graph: DecoderGraph; padToken: number; giveWay: GiveWay },
  prompt: PromptRow,
  continuations: readonly (readonly number[])[],
): Promise<number[]> {
  const length = prompt.tokens.length;
  const first = BigInt64Array.from(continuations, ([token]) => BigInt(token ?? padToken));
  const read = createCache(graph.shape, 1, length);
  try {
    const outputs = await graph.read(read, 0, prompt, giveWay, first);
    const sums = Array.from(float32Output(outputs, "candidate_log_probabilities"));
    freeTensors(outputs);
    for (let from = 0; from < continuations.length; from += WEIGHED_TOGETHER) {
      const group = continuations.slice(from, from + WEIGHED_TOGETHER);
      const longest = group.reduce((most, tokens) => Math.max(most, tokens.length), 0);
      const everyRow = [...group.keys()];
      let cache = await read.copy(
        everyRow.map(() => 0),
        { giveWay },
      );
      try {
        for (let place = 0; place + 1 < longest; place++) {
          if (cache.full()) cache = await cache.move(everyRow, { giveWay });
          const inputs = group.map((tokens) => ({
            token: tokens[place] ?? padToken,
            position: length + place,
            candidate: tokens[place + 1] ?? padToken,
          }));
          const scores = float32Output(await graph.step(cache, inputs, giveWay), "candidate_log_probabilities");
          for (const [index, tokens] of group.entries()) {
            if (place + 1 < tokens.length) sums[from + index] = (sums[from + index] ?? 0) + (scores[index] ?? 0);
          }
          await giveWay();
        }
      } finally {
        cache.close();
      }
    }
    return sums;
  } finally {
    read.close();
  }
}
