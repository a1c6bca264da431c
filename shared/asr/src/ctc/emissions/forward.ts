/** CTC's forward algorithm (Graves et al. 2006): how likely the audio says exactly these labels, over all alignments. */
import { BLANK, type Emissions } from "./emissions.ts";
import { logAdd } from "./log-add.ts";

const NONE = Number.NEGATIVE_INFINITY;
let buffer = new Float64Array(1024);

/** Log-probability of `labels` given frames [from, to) of the row; minus infinity when they do not fit. */
export function labelLikelihood(
  emissions: Emissions,
  labels: readonly number[],
  from = 0,
  to = emissions.frames,
): number {
  const { data, offset, labels: count } = emissions;
  const states = 2 * labels.length + 1;
  const frames = to - from;
  if (states + 1 > buffer.length) buffer = new Float64Array(2 * states);
  const alpha = buffer;
  // State 2n is the blank before label n, 2n + 1 is label n; state s lies in alpha[s + 1], behind one that is never reached.
  alpha.fill(NONE, 0, states + 1);
  alpha[1] = 0;
  for (let frame = 0; frame < frames; frame++) {
    const row = offset + (from + frame) * count;
    const blank = data[row + BLANK] ?? NONE;
    // Only states that can be reached, and from which the end still can be.
    const lowest = Math.max(0, states - 2 * (frames - frame));
    const highest = Math.min(states - 1, 2 * frame + 1);
    for (let state = highest; state >= lowest; state--) {
      const stay = alpha[state + 1] ?? NONE;
      const step = alpha[state] ?? NONE;
      if ((state & 1) === 0) {
        alpha[state + 1] = logAdd(stay, step) + blank;
        continue;
      }
      const label = labels[state >> 1] ?? 0;
      let sum = logAdd(stay, step);
      if (state > 1 && labels[(state >> 1) - 1] !== label) sum = logAdd(sum, alpha[state - 1] ?? NONE);
      alpha[state + 1] = sum + (data[row + label] ?? NONE);
    }
  }
  return frames === 0 ? (labels.length === 0 ? 0 : NONE) : logAdd(alpha[states] ?? NONE, alpha[states - 1] ?? NONE);
}
