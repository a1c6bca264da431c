/** The single likeliest alignment of labels to frames (Viterbi over CTC's states). */
import { BLANK, type Emissions } from "./emissions.ts";

export interface Alignment {
  /** For each label, the first frame that says it and the one behind the last. */
  starts: Int32Array;
  ends: Int32Array;
}

const NONE = Number.NEGATIVE_INFINITY;
let scores = new Float64Array(1024);
let steps = new Uint8Array(1 << 16);

/** Undefined when the labels need more frames than there are. */
export function alignLabels(emissions: Emissions, labels: readonly number[]): Alignment | undefined {
  const { data, offset, frames, labels: count } = emissions;
  const states = 2 * labels.length + 1;
  if (states + 1 > scores.length) scores = new Float64Array(2 * states);
  if (states * frames > steps.length) steps = new Uint8Array(2 * states * frames);
  // The states of the forward algorithm: 2n is the blank before label n, 2n + 1 is label n.
  const score = scores;
  score.fill(NONE, 0, states + 1);
  score[1] = 0;
  for (let frame = 0; frame < frames; frame++) {
    const row = offset + frame * count;
    const blank = data[row + BLANK] ?? NONE;
    const lowest = Math.max(0, states - 2 * (frames - frame));
    const highest = Math.min(states - 1, 2 * frame + 1);
    const line = frame * states;
    for (let state = highest; state >= lowest; state--) {
      let best = score[state + 1] ?? NONE;
      let step = 0;
      const previous = score[state] ?? NONE;
      if (previous > best) {
        best = previous;
        step = 1;
      }
      let emission = blank;
      if ((state & 1) === 1) {
        const label = labels[state >> 1] ?? 0;
        emission = data[row + label] ?? NONE;
        const skipped = state > 1 && labels[(state >> 1) - 1] !== label ? (score[state - 1] ?? NONE) : NONE;
        if (skipped > best) {
          best = skipped;
          step = 2;
        }
      }
      score[state + 1] = best + emission;
      steps[line + state] = step;
    }
  }
  const blankEnd = score[states] ?? NONE;
  const labelEnd = score[states - 1] ?? NONE;
  if (frames === 0 || Math.max(blankEnd, labelEnd) === NONE) return undefined;

  const alignment = { starts: new Int32Array(labels.length), ends: new Int32Array(labels.length) };
  let state = labelEnd > blankEnd ? states - 2 : states - 1;
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
