/**
 * The single likeliest alignment of labels to frames (Viterbi over CTC's states).
 *
 * The states that a likely path can be in lie close together, so only those near the best one are gone through: of 25 s of speech some fiftieth.
 * What is left out is proven to be worse, or else gone through too: the answer is always the likeliest of all.
 */
import { BLANK, type Emissions } from "./emissions.ts";

export interface Alignment {
  /** For each label, the first frame that says it and the one behind the last. */
  starts: Int32Array;
  ends: Int32Array;
}

const NONE = Number.NEGATIVE_INFINITY;
/** How far (natural log) behind the best of its frame a state may be at first. */
const MARGIN = 32;
/** Of a sum, more than sums of the same numbers in another order can differ. */
const ROUNDING = 1e-11;

let scores = new Float64Array(1024);
let steps = new Uint8Array(1 << 16);
let hopes = new Float64Array(2048);
let wanted = new Int32Array(512);

/** Undefined when the labels need more frames than there are. */
export function alignLabels(emissions: Emissions, labels: readonly number[]): Alignment | undefined {
  const { frames } = emissions;
  const states = 2 * labels.length + 1;
  if (frames === 0) return undefined;
  makeRoom(states, frames);
  wanted.set(labels);
  return fillSteps(emissions, states) === NONE ? undefined : traceBack(frames, states, labels.length);
}

/** Answers the score of the likeliest path. */
function fillSteps(emissions: Emissions, states: number): number {
  const all = Number.POSITIVE_INFINITY;
  // To look for the best label of each frame would cost more than all states.
  if (emissions.labels > states) return walk(emissions, states, { margin: all, floor: NONE }).found;
  hopeFrom(emissions);
  const { found, missed } = walk(emissions, states, { margin: MARGIN, floor: NONE });
  const floor = found - ROUNDING * (1 + Math.abs(found));
  if (missed < floor) return found;
  // With what was found, less is left to go through: where even the most that can be hoped for is worse, no better path goes.
  return walk(emissions, states, { margin: all, floor }).found;
}

function makeRoom(states: number, frames: number): void {
  if (states + 2 > scores.length) {
    scores = new Float64Array(2 * states);
    wanted = new Int32Array(states);
  }
  if (states * frames > steps.length) steps = new Uint8Array(2 * states * frames);
  if (frames + 1 > hopes.length) hopes = new Float64Array(2 * frames);
}

/** From each frame to the end: what no path can exceed. */
function hopeFrom({ data, offset, frames, labels: count }: Emissions): void {
  hopes[frames] = 0;
  for (let frame = frames - 1; frame >= 0; frame--) {
    const row = offset + frame * count;
    let best = data[row] ?? NONE;
    for (let label = 1; label < count; label++) {
      const score = data[row + label] ?? NONE;
      if (score > best) best = score;
    }
    hopes[frame] = (hopes[frame + 1] ?? 0) + best;
  }
}

/**
 * Fills `steps`. States 2n are the blank before label n, 2n + 1 is label n, as in the forward algorithm; state s has its score at
 * s + 1, behind one that is never reached. States at either end of those in use are left when they are `margin` behind the best, or
 * cannot come to `floor` any more. `found`: the score of the path; `missed`: the most that one through a state that was left might have.
 */
function walk(
  { data, offset, frames, labels: count }: Emissions,
  states: number,
  { margin, floor }: { margin: number; floor: number },
): { found: number; missed: number } {
  const score = scores;
  score.fill(NONE, 0, states + 2);
  score[1] = 0;
  let first = 0;
  let last = -1;
  let missed = NONE;
  for (let frame = 0; frame < frames; frame++) {
    const row = offset + frame * count;
    const blank = data[row + BLANK] ?? NONE;
    const line = frame * states;
    // Only states from which the end still can be reached.
    first = Math.max(first, states - 2 * (frames - frame));
    last = Math.min(states - 1, last + 2);
    let top = NONE;
    for (let state = last; state >= first; state--) {
      let best = score[state + 1] ?? NONE;
      let step = 0;
      const previous = score[state] ?? NONE;
      if (previous > best) {
        best = previous;
        step = 1;
      }
      let emission = blank;
      if ((state & 1) === 1) {
        const label = wanted[state >> 1] ?? 0;
        emission = data[row + label] ?? NONE;
        const skipped = state > 1 && wanted[(state >> 1) - 1] !== label ? (score[state - 1] ?? NONE) : NONE;
        if (skipped > best) {
          best = skipped;
          step = 2;
        }
      }
      const reached = best + emission;
      score[state + 1] = reached;
      if (reached > top) top = reached;
      steps[line + state] = step;
    }
    const hope = hopes[frame + 1] ?? 0;
    const least = Math.max(top - margin, floor - hope);
    while (first < last && (score[first + 1] ?? NONE) < least) {
      missed = Math.max(missed, (score[first + 1] ?? NONE) + hope);
      score[first + 1] = NONE;
      first++;
    }
    while (last > first && (score[last + 1] ?? NONE) < least) {
      missed = Math.max(missed, (score[last + 1] ?? NONE) + hope);
      score[last + 1] = NONE;
      last--;
    }
  }
  return { found: Math.max(score[states] ?? NONE, score[states - 1] ?? NONE), missed };
}

function traceBack(frames: number, states: number, count: number): Alignment {
  const alignment = { starts: new Int32Array(count), ends: new Int32Array(count) };
  let state = (scores[states - 1] ?? NONE) > (scores[states] ?? NONE) ? states - 2 : states - 1;
  for (let frame = frames - 1; frame >= 0; frame--) {
    if ((state & 1) === 1) {
      const label = state >> 1;
      alignment.starts[label] = frame;
      if (alignment.ends[label] === 0) alignment.ends[label] = frame + 1;
    }
    state -= steps[frame * states + state] ?? 0;
  }
  return alignment;
}
