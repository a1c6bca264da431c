/**
 * Rows that are decoded side by side. They join while others go on, each at its own length, and leave one by one; a place
 * that was left is taken by the next that joins. What is read out of the graph's answers, and what is fed next, is the
 * caller's.
 */
import { freeTensors } from "@parlance/inference";
import type { DecoderGraph, StepInput } from "./decoder-graph.ts";
import type { DecodingRow, GiveWay } from "./decoding.ts";
import { createCache, type KeyValueCache, type Tensors } from "./key-value-cache.ts";

export interface StepBatchOptions<Answer> {
  graph: DecoderGraph;
  giveWay: GiveWay;
  /** What the graph answers in a row of its run. */
  read(outputs: Tensors, row: number): Answer;
  /** Fed to places without a row. */
  padToken: number;
}

export interface StepBatch<Answer> {
  /** Those that have joined and not left. */
  readonly rows: readonly number[];
  /**
   * Reads prompts, and tells what each says as soon as it is read. `heard` may let a row leave. `candidatesOf`: tokens that the
   * graph is to weigh for a row.
   */
  join(
    rows: readonly DecodingRow[],
    heard: (row: number, answer: Answer) => void,
    candidatesOf?: (row: DecodingRow) => BigInt64Array | undefined,
  ): Promise<void>;
  /**
   * Takes a token in each row, or what stands in its place. `wanted`: steps that the rows may still need. `candidates`: tokens
   * that the graph is to weigh in every row.
   */
  step(
    inputOf: (row: number) => BatchInput,
    wanted: number,
    candidates?: BigInt64Array,
  ): Promise<[row: number, answer: Answer][]>;
  leave(row: number): void;
  close(): void;
}

export type BatchInput = Pick<StepInput, "token" | "vector">;

interface Place {
  row: number;
  position: number;
}

export function createStepBatch<Answer>({
  graph,
  giveWay,
  read,
  padToken,
}: StepBatchOptions<Answer>): StepBatch<Answer> {
  let cache: KeyValueCache | undefined;
  /** By place in the cache. */
  let places: (Place | undefined)[] = [];

  /** Moves what is there, with so many empty places beside it. */
  async function move(empty: number, longest: number, wanted: number): Promise<void> {
    const kept = [...places.keys()].filter((place) => places[place] !== undefined);
    const added = new Array<undefined>(empty).fill(undefined);
    if (cache === undefined) cache = createCache(graph.shape, empty, longest, wanted);
    else cache = await cache.move([...kept, ...added], { longest, wanted, giveWay });
    places = [...kept.map((place) => places[place]), ...added];
  }

  return {
    get rows() {
      return places.flatMap((place) => place?.row ?? []);
    },
    async join(rows, heard, candidatesOf) {
      if (rows.length === 0) return;
      const longest = Math.max(...rows.map(({ prompt }) => prompt.tokens.length));
      const empty = places.filter((place) => place === undefined).length;
      const budget = Math.max(...rows.map(({ prompt }) => prompt.budget));
      if (cache === undefined || empty < rows.length || cache.used < longest) {
        await move(Math.max(empty, rows.length), longest, budget);
      }
      for (const joining of rows) {
        const { row, prompt } = joining;
        const place = places.indexOf(undefined);
        if (cache === undefined || place === -1) throw new RangeError(`there is no place for row ${row}`);
        const outputs = await graph.read(cache, place, prompt, giveWay, candidatesOf?.(joining));
        places[place] = { row, position: prompt.tokens.length };
        heard(row, read(outputs, 0));
        freeTensors(outputs);
      }
    },
    async step(inputOf, wanted, candidates) {
      const held = places.filter((place) => place !== undefined).length;
      if (cache === undefined || held === 0) return [];
      if (cache.full() || held <= places.length / 2) await move(0, 0, wanted);
      const inputs = places.map((place) => ({
        ...(place === undefined ? { token: padToken } : inputOf(place.row)),
        position: place?.position ?? 0,
      }));
      const outputs = await graph.step(cache, inputs, giveWay, candidates);
      const answers: [number, Answer][] = [];
      for (const [index, place] of places.entries()) {
        if (place === undefined) continue;
        place.position++;
        answers.push([place.row, read(outputs, index)]);
      }
      return answers;
    },
    leave(row) {
      places = places.map((place) => (place?.row === row ? undefined : place));
    },
    close() {
      cache?.close();
    },
  };
}
