/**
 * How large a run of a decoder may be so that passes can give way often enough. It is worked out and not measured: the same rows
 * always make the same runs, and so say the same to the bit.
 */
import { threadCount } from "@parlance/inference";
import type { WhisperSection } from "../manifest-section.ts";

export interface RunSize {
  /** Most rows of so many nodes each; at least 1. */
  rows(nodes: number): number;
  /** Most nodes in each of so many rows; at least 1. */
  nodes(rows: number): number;
}

/** What a thread of common cores does in a fifth of a second; reading the weights takes the rest of what there is. */
const PRODUCTS_PER_THREAD = 6e9;
/** Of what was heard, a run reads every number once for each row: it waits for memory, for as long as so many products take. */
const PRODUCTS_PER_NUMBER = 20;
/** Of the format's products, in those of 32 bits. */
const COST = { float32: 1, float16: 1, int8: 0.4, int4: 0.4 } as const;

export interface RunSizeOptions {
  section: Pick<WhisperSection, "layers" | "width" | "vocabulary">;
  /** Vectors that were heard of a row. */
  places: number;
  computeType: keyof typeof COST;
  threads: number;
}

export function createRunSize({ section, places, computeType, threads }: RunSizeOptions): RunSize {
  const { layers, width, vocabulary } = section;
  // Attention to itself and to what was heard, and the linear layers behind: 4, 2 and 8 squares.
  const perNode = (14 * layers * width ** 2 + vocabulary * width) * COST[computeType];
  const perRow = 2 * layers * places * width * PRODUCTS_PER_NUMBER;
  const most = threadCount(threads) * PRODUCTS_PER_THREAD;
  return {
    rows: (nodes) => Math.max(1, Math.floor(most / (perRow + nodes * perNode))),
    nodes: (rows) => Math.max(1, Math.floor((most / rows - perRow) / perNode)),
  };
}

/** Where yield points cost more than they are worth. */
export const anySize: RunSize = { rows: () => Number.POSITIVE_INFINITY, nodes: () => Number.POSITIVE_INFINITY };

/** Numbers of pieces of about the same size, none larger than `most`. */
export function evenly(count: number, most: number): number[] {
  const pieces = Math.max(1, Math.ceil(count / Math.max(1, most)));
  return Array.from(
    { length: pieces },
    (_, piece) => Math.floor(((piece + 1) * count) / pieces) - Math.floor((piece * count) / pieces),
  );
}
