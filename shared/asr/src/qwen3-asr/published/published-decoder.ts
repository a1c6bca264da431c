/**
 * Decoding with the graphs that others publish: greedy, or by a row's sampler, since they answer the scores of all tokens.
 * Prompts are read one by one. Then the rows whose prompts are equally long go on together, a token of each in a run: nothing
 * need be hidden from any of them. All others go on alone, and rows that wait do not join those that run: they would have to
 * be as long.
 *
 * Whether a run may have several rows the graphs say; that they do it right is seen the first time, when the rows are run
 * alone too. State: the graphs, and what was seen.
 */
import { SpeechError } from "@parlance/contracts";
import {
  type CacheShape,
  createTokenCollector,
  type Decoder,
  type Decoding,
  type DecodingRow,
  type GiveWay,
} from "@parlance/generation";
import { joinRows, takeRows } from "../../tensor-rows.ts";
import {
  openPublishedGraphs,
  type Past,
  type PublishedGraphs,
  type PublishedGraphsOptions,
  ROWS,
  type Said,
} from "./published-graphs.ts";

export interface PublishedDecodingOptions {
  cache: CacheShape;
  endTokens: readonly number[];
  log: (message: string) => void;
}

/** Of the keys and values of the rows of a run: they go in and come out with every token. */
const MOST_BYTES = 512 * 1_048_576;
const MOST_ROWS = 16;
/** How far a score may be off in a run with others, as a part of the span of the row's scores. */
const TOLERANCE = 0.01;

export async function createPublishedDecoder(
  options: PublishedGraphsOptions & PublishedDecodingOptions,
): Promise<Decoder> {
  return decodeWith(await openPublishedGraphs(options), options);
}

export function decodeWith(graphs: PublishedGraphs, options: PublishedDecodingOptions): Decoder {
  const { endTokens, cache, log } = options;
  const { take, shared } = checkedOnce(graphs, log);
  const bytesPerPlace = 2 * cache.layers * cache.heads * cache.size * Float32Array.BYTES_PER_ELEMENT;

  /** How many rows of so many places may share a run. */
  function rowsPerRun(places: number): number {
    if (!shared()) return 1;
    return Math.min(MOST_ROWS, Math.max(1, Math.floor(MOST_BYTES / bytesPerPlace / places)));
  }

  async function decodeTogether(rows: readonly DecodingRow[], decoding: Decoding): Promise<void> {
    const { isOpen, hear, end, giveWay } = decoding;
    const collectors = rows.map(({ prompt }) => createTokenCollector(prompt.budget, endTokens));
    /** By place in the group. */
    const newest = new Map<number, number>();
    const collect = async (place: number, scores: Float32Array) => {
      const [collector, of] = [collectors[place], rows[place]];
      if (collector === undefined || of === undefined) return;
      const { row, sampler } = of;
      const token = sampler === undefined ? best(scores) : sampler.choose(scores, collector.tokens).token;
      const logProbability = createLogProbabilities(scores)(token);
      const goesOn = collector.add(token, logProbability);
      if (!endTokens.includes(token)) hear(row, collector.tokens);
      if (goesOn) newest.set(place, token);
      else {
        newest.delete(place);
        await end(row, collector.result());
      }
    };
    const pasts: Past[] = [];
    // Place in the past → place in the group.
    let kept: number[] = [];
    for (const [place, { row, prompt }] of rows.entries()) {
      if (!isOpen(row)) continue;
      const { scores, past } = await graphs.read(prompt, giveWay);
      pasts.push(past);
      kept.push(place);
      await collect(place, scores[0] ?? new Float32Array());
      await giveWay();
    }
    if (kept.length === 0) return;
    let past = join(pasts);
    for (let position = rows[0]?.prompt.tokens.length ?? 0; ; position++) {
      for (const place of newest.keys()) if (!isOpen(rows[place]?.row ?? -1)) newest.delete(place);
      if (newest.size === 0) return;
      if (newest.size <= kept.length / 2) {
        const left = [...kept.keys()].filter((place) => newest.has(kept[place] ?? -1));
        past = keep(past, left);
        kept = left.map((place) => kept[place] ?? 0);
      }
      const tokens = kept.map((place) => newest.get(place) ?? 0);
      const answer = await take(tokens, position, past, giveWay);
      past = answer.past;
      for (const [index, place] of kept.entries()) {
        if (newest.has(place)) await collect(place, answer.scores[index] ?? new Float32Array());
      }
      await giveWay();
    }
  }

  return {
    refills: false,
    steps: false,
    samples: true,
    async decode(decoding) {
      for (;;) {
        const rows = await decoding.take(MOST_ROWS);
        if (rows.length === 0) return;
        for (const [places, same] of Map.groupBy(rows, ({ prompt }) => prompt.tokens.length)) {
          for (let from = 0; from < same.length; ) {
            const group = same.slice(from, from + rowsPerRun(places));
            from += group.length;
            await decodeTogether(group, decoding);
          }
        }
      }
    },
    async weigh(row, continuations, giveWay) {
      const { length } = row.tokens;
      const prompt = await graphs.read(row, giveWay);
      await giveWay();
      const first = createLogProbabilities(prompt.scores[0] ?? new Float32Array());
      const sums = continuations.map(([token]) => first(token));
      for (let from = 0; from < continuations.length; ) {
        const group = continuations.slice(from, from + rowsPerRun(length));
        const longest = group.reduce((most, tokens) => Math.max(most, tokens.length), 0);
        let past = keep(
          prompt.past,
          group.map(() => 0),
        );
        for (let place = 0; place + 1 < longest; place++) {
          const answer = await take(
            group.map((tokens) => tokens[place] ?? 0),
            length + place,
            past,
            giveWay,
          );
          past = answer.past;
          for (const [index, tokens] of group.entries()) {
            if (place + 1 >= tokens.length) continue;
            const next = createLogProbabilities(answer.scores[index] ?? new Float32Array());
            sums[from + index] = (sums[from + index] ?? 0) + next(tokens[place + 1]);
          }
          await giveWay();
        }
        from += group.length;
      }
      return sums;
    },
    close: () => graphs.close(),
  };
}

interface CheckedTake {
  take(tokens: readonly number[], position: number, past: Past, giveWay: GiveWay): Promise<Said>;
  /** Whether rows may go together. */
  shared(): boolean;
}

/** `take`, with the rows of the first shared run alone too: where they differ, no run is shared from then on. */
function checkedOnce(graphs: PublishedGraphs, log: (message: string) => void): CheckedTake {
  let state: "row by row" | "to be checked" | "checked" = graphs.shared ? "to be checked" : "row by row";

  const alone: CheckedTake["take"] = async (tokens, position, past, giveWay) => {
    const answers: Said[] = [];
    for (const [row, token] of tokens.entries()) {
      if (row > 0) await giveWay();
      answers.push(await graphs.take([token], position, keep(past, [row])));
    }
    return { scores: answers.flatMap(({ scores }) => scores), past: join(answers.map((answer) => answer.past)) };
  };

  const take: CheckedTake["take"] = async (tokens, position, past, giveWay) => {
    if (tokens.length === 1 || state === "checked") return graphs.take(tokens, position, past);
    const right = await alone(tokens, position, past, giveWay);
    if (state === "row by row") return right;
    const reason = await graphs.take(tokens, position, past).then(
      ({ scores }) => (agree(scores, right.scores) ? undefined : "a row's scores change with the rows beside it"),
      (error: unknown) => {
        if (error instanceof SpeechError) throw error;
        return String(error);
      },
    );
    state = reason === undefined ? "checked" : "row by row";
    if (reason !== undefined) log(`these graphs run row by row, whatever they say of their batch axis: ${reason}`);
    return right;
  };

  return { take, shared: () => state !== "row by row" };
}

function agree(scores: readonly Float32Array[], expected: readonly Float32Array[]): boolean {
  return expected.every((row, index) => {
    const [least, most] = row.reduce(([low, high], score) => [Math.min(low, score), Math.max(high, score)], [
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ] as [number, number]);
    return row.every(
      (score, token) => Math.abs(score - (scores[index]?.[token] ?? Number.NaN)) <= TOLERANCE * (most - least),
    );
  });
}

function keep({ keys, values }: Past, rows: readonly number[]): Past {
  return { keys: takeRows(keys, ROWS, rows), values: takeRows(values, ROWS, rows) };
}

function join(pasts: readonly Past[]): Past {
  const of = (part: keyof Past) =>
    joinRows(
      pasts.map((past) => past[part]),
      ROWS,
    );
  return { keys: of("keys"), values: of("values") };
}

function best(scores: Float32Array): number {
  let token = 0;
  for (let other = 1; other < scores.length; other++) if ((scores[other] ?? 0) > (scores[token] ?? 0)) token = other;
  return token;
}

/** Natural log of a token's share. */
function createLogProbabilities(scores: Float32Array): (token: number | undefined) => number {
  let top = Number.NEGATIVE_INFINITY;
  for (const score of scores) top = Math.max(top, score);
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - top);
  const total = top + Math.log(sum);
  return (token) => (scores[token ?? -1] ?? Number.NEGATIVE_INFINITY) - total;
}
