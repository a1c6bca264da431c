/**
 * All ways to say a phrase as one graph of labels, and CTC's forward algorithm on it: the sum over every pronunciation of
 * every word, for little more than the price of one.
 *
 * Frames are walked with a window of nodes: those whose probability is not hopelessly behind the best. In a phrase that
 * fits, that is a few dozen nodes however long the phrase is; a phrase that does not fit is given up early.
 */
import { BLANK, type Emissions, SEPARATOR } from "../emissions/emissions.ts";
import { logAdd } from "../emissions/log-add.ts";

const NONE = Number.NEGATIVE_INFINITY;

/** Nodes are in topological order; node 0 stands before the first label. */
export interface PhraseGraph {
  labels: Int32Array;
  /** Nodes that may come directly before n are before[firstBefore[n]] to before[firstBefore[n + 1] - 1]. */
  firstBefore: Int32Array;
  before: Int32Array;
  /** How far ahead an edge reaches at most. */
  reach: number;
  /** Nodes in which the phrase may end. */
  ends: number[];
}

/** `words[n]` holds the pronunciations of word n, or its one spelling. */
export function createPhraseGraph(words: readonly (readonly (readonly number[])[])[]): PhraseGraph {
  const labels = [BLANK];
  const firstBefore = [0, 0];
  const before: number[] = [];
  let reach = 1;
  const add = (label: number, from: readonly number[]): number => {
    before.push(...from);
    firstBefore.push(before.length);
    for (const node of from) reach = Math.max(reach, labels.length - node);
    return labels.push(label) - 1;
  };
  let exits = [0];
  for (const [index, pronunciations] of words.entries()) {
    const entries = index === 0 ? exits : [add(SEPARATOR, exits)];
    exits = pronunciations.map((pronunciation) => {
      let last = entries;
      for (const label of pronunciation) last = [add(label, last)];
      return last[0] ?? 0;
    });
  }
  return {
    labels: Int32Array.from(labels),
    firstBefore: Int32Array.from(firstBefore),
    before: Int32Array.from(before),
    reach,
    ends: exits,
  };
}

/** The best free path, and how far behind it a phrase may be. It never catches up: no frame gives more than its best label. */
export interface GiveUp {
  /** Log-probability of the best free path up to each frame. */
  free: Float64Array;
  behind: number;
}

/** Nodes this far (natural log) behind the best of a frame are dropped. */
const WINDOW = 40;
let inLabel = new Float64Array(1024);
let inBlank = new Float64Array(1024);

/** Log-probability that the row says the phrase, in any way; minus infinity when it does not fit or was given up. */
export function phraseLikelihood(emissions: Emissions, graph: PhraseGraph, giveUp?: GiveUp): number {
  const { data, offset, frames, labels: count } = emissions;
  const { labels, firstBefore, before, reach, ends } = graph;
  const nodes = labels.length;
  if (nodes > inLabel.length) {
    inLabel = new Float64Array(2 * nodes);
    inBlank = new Float64Array(2 * nodes);
  }
  inLabel.fill(NONE, 0, nodes);
  inBlank.fill(NONE, 0, nodes);
  inBlank[0] = 0;
  let low = 0;
  let high = 0;
  for (let frame = 0; frame < frames; frame++) {
    const row = offset + frame * count;
    const blank = data[row + BLANK] ?? NONE;
    let best = NONE;
    high = Math.min(nodes - 1, high + reach);
    // From the end, so that the nodes before each still hold the frame before.
    for (let node = high; node >= low; node--) {
      const label = labels[node] ?? BLANK;
      const said = inLabel[node] ?? NONE;
      const silent = logAdd(inBlank[node] ?? NONE, said) + blank;
      let sum = said;
      for (let edge = firstBefore[node] ?? 0; edge < (firstBefore[node + 1] ?? 0); edge++) {
        const from = before[edge] ?? 0;
        sum = logAdd(sum, inBlank[from] ?? NONE);
        // The same label again needs a blank between.
        if (labels[from] !== label) sum = logAdd(sum, inLabel[from] ?? NONE);
      }
      const spoken = node === 0 ? NONE : sum + (data[row + label] ?? NONE);
      inBlank[node] = silent;
      inLabel[node] = spoken;
      if (silent > best) best = silent;
      if (spoken > best) best = spoken;
    }
    if (giveUp !== undefined && best < (giveUp.free[frame] ?? NONE) - giveUp.behind) return NONE;
    const least = best - WINDOW;
    const hopeless = (node: number) => (inBlank[node] ?? NONE) < least && (inLabel[node] ?? NONE) < least;
    while (low < high && hopeless(low)) {
      inBlank[low] = NONE;
      inLabel[low++] = NONE;
    }
    while (high > low && hopeless(high)) {
      inBlank[high] = NONE;
      inLabel[high--] = NONE;
    }
  }
  let total = NONE;
  for (const end of ends) total = logAdd(total, logAdd(inBlank[end] ?? NONE, inLabel[end] ?? NONE));
  return total;
}
