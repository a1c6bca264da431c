/**
 * Words on the way from labels to a transcript, with their places in frames.
 *
 * This room goes between labels and words without a search: how a text is said (spoken-form.ts) and spelt (spelling.ts), which phrase
 * of a list was said (phrases.ts), and which words outside the lexicon were (open-words.ts).
 */
import { confidenceOf } from "../../confidence.ts";
import { alignLabels } from "../emissions/alignment.ts";
import { type Emissions, SEPARATOR } from "../emissions/emissions.ts";

export interface SpokenWord {
  text: string;
  /** Its first frame and the one behind its last. */
  start: number;
  end: number;
  /** Labels that it is made of. */
  labels: number;
  /** How much worse it fits than free labels in its place: natural log for each label. */
  misfit: number;
  /**
   * How sure the head is of it, 0 to 1: the geometric mean of its labels' probabilities, each at its surest frame. Measured, on
   * the model that ships and noisy speech: 0.81 for words that are right, 0.45 for those that are wrong.
   */
  confidence: number;
}

/** Labels, and the frames that say them: the first of each and the one behind its last. */
export interface PlacedLabels {
  labels: readonly number[];
  starts: ArrayLike<number>;
  ends: ArrayLike<number>;
}

/** The confidence of the word that is labels `from` to `to` of those. */
export function wordConfidence(
  { data, offset, labels: count }: Emissions,
  { labels, starts, ends }: PlacedLabels,
  from: number,
  to: number,
): number {
  return confidenceOf(
    labels.slice(from, to).map((label, index) => {
      let surest = Number.NEGATIVE_INFINITY;
      for (let frame = starts[from + index] ?? 0; frame < (ends[from + index] ?? 0); frame++) {
        surest = Math.max(surest, data[offset + frame * count + label] ?? surest);
      }
      return surest;
    }),
  );
}

/** Where the words of a label sequence lie, and how well they fit; nothing when there are too few frames. */
export function placeWords(emissions: Emissions, labels: readonly number[]): Omit<SpokenWord, "text">[] {
  const alignment = alignLabels(emissions, labels);
  if (alignment === undefined) return [];
  const words: Omit<SpokenWord, "text">[] = [];
  for (let from = 0; from < labels.length; from++) {
    let to = from;
    while (to < labels.length && labels[to] !== SEPARATOR) to++;
    if (to > from) {
      words.push({
        start: alignment.starts[from] ?? 0,
        end: alignment.ends[to - 1] ?? 0,
        labels: to - from,
        misfit: 0,
        confidence: wordConfidence(emissions, { labels, ...alignment }, from, to),
      });
    }
    from = to;
  }
  const misfits = frameMisfits(emissions, labels, alignment);
  for (const [index, word] of words.entries()) {
    // What lies between two words counts for both: a word may have been left out there.
    const from = words[index - 1]?.end ?? 0;
    const to = words[index + 1]?.start ?? emissions.frames;
    let sum = 0;
    for (let frame = from; frame < to; frame++) sum += misfits[frame] ?? 0;
    word.misfit = sum / word.labels;
  }
  return words;
}

/** For each frame, how much less likely its aligned label is than the likeliest one. */
function frameMisfits(
  emissions: Emissions,
  labels: readonly number[],
  alignment: { starts: Int32Array; ends: Int32Array },
): Float64Array {
  const { data, offset, frames, labels: count } = emissions;
  const said = new Int32Array(frames);
  for (const [index, label] of labels.entries()) said.fill(label, alignment.starts[index], alignment.ends[index]);
  return Float64Array.from({ length: frames }, (_, frame) => {
    const row = offset + frame * count;
    let best = data[row] ?? 0;
    for (let label = 1; label < count; label++) best = Math.max(best, data[row + label] ?? 0);
    return best - (data[row + (said[frame] ?? 0)] ?? 0);
  });
}
