/** How far and how long somebody has spoken in an utterance, from the probabilities of speech. Pure. */
import { WINDOW } from "@parlance/audio/live";
import { SAMPLE_RATE } from "@parlance/contracts";

/** An utterance lasts no longer, with what may be heard before it. */
const MOST_WINDOWS = 2_048;

export interface Spoken {
  push(speech: Float32Array): void;
  /** Of what begins at `start`: where it was last heard, and how many milliseconds in all; undefined where nothing was. */
  since(start: number): { to: number; ms: number } | undefined;
}

/** @param start where the first window lies, in samples at SAMPLE_RATE */
export function createSpoken(start: number, threshold: number): Spoken {
  let windows = 0;
  /** Ends of windows in which somebody spoke. */
  const ends: number[] = [];
  return {
    push(speech) {
      for (const probability of speech) {
        windows += 1;
        if (probability >= threshold) ends.push(start + windows * WINDOW);
      }
      if (ends.length > MOST_WINDOWS) ends.splice(0, ends.length - MOST_WINDOWS);
    },
    since(from) {
      const to = ends.at(-1);
      if (to === undefined || to <= from) return undefined;
      const count = ends.length - (ends.findLastIndex((end) => end <= from) + 1);
      return { to, ms: (count * WINDOW * 1_000) / SAMPLE_RATE };
    },
  };
}
