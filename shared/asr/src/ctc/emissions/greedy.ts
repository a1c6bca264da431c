/** The likeliest label of each frame, repeats and blanks taken out. */
import { BLANK, type Emissions } from "./emissions.ts";

export interface GreedyPath {
  labels: number[];
  /** For each label, the first frame that says it and the one behind the last. */
  starts: number[];
  ends: number[];
  /** Log-probability of the path, and of it up to each frame. */
  score: number;
  scores: Float64Array;
}

export function decodeGreedily({ data, offset, frames, labels: count }: Emissions): GreedyPath {
  const path: GreedyPath = { labels: [], starts: [], ends: [], score: 0, scores: new Float64Array(frames) };
  let previous = BLANK;
  for (let frame = 0; frame < frames; frame++) {
    const row = offset + frame * count;
    let best = 0;
    let bestScore = data[row] ?? 0;
    for (let label = 1; label < count; label++) {
      const score = data[row + label] ?? 0;
      if (score > bestScore) {
        best = label;
        bestScore = score;
      }
    }
    path.score += bestScore;
    path.scores[frame] = path.score;
    if (best !== BLANK && best === previous) {
      path.ends[path.ends.length - 1] = frame + 1;
    } else if (best !== BLANK) {
      path.labels.push(best);
      path.starts.push(frame);
      path.ends.push(frame + 1);
    }
    previous = best;
  }
  return path;
}
