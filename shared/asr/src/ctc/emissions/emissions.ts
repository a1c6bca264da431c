/**
 * What the heads of a CTC graph say, and what can be read from that alone: the likeliest labels (greedy.ts), how likely given labels
 * are (forward.ts), and where they lie (alignment.ts). No word is known in this room.
 */

/** What a CTC head says of one row: log-probabilities [frames, labels], natural log, inside the batch's own buffer. */
export interface Emissions {
  data: Float32Array;
  /** Where the row begins in `data`. */
  offset: number;
  frames: number;
  labels: number;
}

/** Label 0 is CTC's blank, everywhere. */
export const BLANK = 0;

/** Label 1 parts words: `|` among phones, the space among characters. */
export const SEPARATOR = 1;
