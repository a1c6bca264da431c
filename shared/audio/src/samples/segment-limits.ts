/**
 * Near which lengths an audio is cut. Usually all its segments have the same. Where somebody reads the text as it comes, the first
 * segment is short and each one several times as long as the one before, so that text leaves early and passes are soon full. Pure.
 */

export interface SegmentLimits {
  /** Near which length audio is cut. */
  segmentSeconds: number;
  /** Near which the first segment ends, where the lengths grow from it. */
  firstSegmentSeconds?: number | undefined;
}

/** A model that hears a fixed stretch takes as long for a short segment as for a whole one: there are to be few. */
const GROWTH = 6;

/** Near which length segment `n` is cut, in seconds: whoever goes on with an audio in its middle cuts it alike. */
export function limitOf({ segmentSeconds, firstSegmentSeconds = segmentSeconds }: SegmentLimits, n: number): number {
  return Math.min(segmentSeconds, firstSegmentSeconds * GROWTH ** n);
}

/**
 * How far from the limit a cut may lie: the rule's 5 s, less where the limit is below 10 s (which the rule does not foresee: a cut could then
 * fall on the segment's own beginning).
 */
export function expandSeconds(limitSeconds: number): number {
  return Math.min(5, limitSeconds / 2);
}
