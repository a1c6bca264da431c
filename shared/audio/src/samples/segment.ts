/**
 * Cuts long audio into segments at quiet points, as a stream: the rule of Qwen3-ASR's own splitter.
 *
 * While more than `limit` remains: look at the region from 5 s before to 5 s after start + limit, clamped to the audio. In it find the
 * 100 ms window with the smallest sum of |x| (the first one of equals), and in that window the first sample with the smallest |x|:
 * that sample begins the next segment. A region no longer than the window is cut at start + limit. A segment is therefore
 * at most limit + 5 s long, there is no gap and no overlap, and a remainder shorter than 0.5 s is filled with zeros up to that.
 *
 * A cut needs to see no further than its region, so memory is bounded by limit + 5 s, and it always leaves a remainder: only
 * `end` can produce the last segment.
 *
 * Segments that grow (segment-limits.ts) have each a limit of its own, and a region in proportion. At the end a short one is not cut off
 * what its region would hold: it could not be early any more.
 */
import { SAMPLE_RATE } from "@parlance/contracts";
import { expandSeconds, limitOf, type SegmentLimits } from "./segment-limits.ts";

export interface Segment {
  /** 0 for the first one of its item. */
  n: number;
  /** Where it begins in its item, in samples. */
  start: number;
  /** Mono, 16 kHz where nothing else was asked for. */
  samples: Int16Array;
  /** How many of `samples` are audio; zeros follow. */
  length: number;
  last: boolean;
}

export interface Segmenter {
  /** The segments that the audio so far determines. */
  push(samples: Int16Array): Segment[];
  /** The segments that are left, the last one among them; none when there was no audio at all. */
  end(): Segment[];
}

/**
 * @param boundaries where segments 1, 2 … begin, in samples, as far as they are settled: audio that somebody else began to cut is
 * cut as he did, and by the rule from the last boundary on.
 */
export function createSegmenter(
  limits: SegmentLimits,
  sampleRate: number = SAMPLE_RATE,
  boundaries: readonly number[] = [],
): Segmenter {
  const largest = limits.segmentSeconds * sampleRate;
  const window = sampleRate / 10;
  const shortest = sampleRate / 2;
  // A short clip comes in one piece and goes as one: then this is all the memory that it takes.
  let buffer = new Int16Array(0);
  let filled = 0;
  let start = 0;
  let n = 0;

  function append(samples: Int16Array): void {
    if (filled + samples.length > buffer.length) {
      // What is left of the audio before it is cut, and what comes with it: it need not grow again.
      const most = largest + expandSeconds(limits.segmentSeconds) * sampleRate + samples.length;
      const larger = new Int16Array(Math.max(filled + samples.length, Math.min(buffer.length * 4, most)));
      larger.set(buffer.subarray(0, filled));
      buffer = larger;
    }
    buffer.set(samples, filled);
    filled += samples.length;
  }

  function take(length: number, last: boolean): Segment {
    const padded = n > 0 && length < shortest ? shortest : length;
    // Nothing comes behind the last one: it may stay where it is.
    const stays = last && length === padded;
    const samples = stays ? buffer.subarray(0, length) : new Int16Array(padded);
    if (!stays) {
      samples.set(buffer.subarray(0, length));
      buffer.copyWithin(0, length, filled);
    }
    const segment = { n, start, samples, length, last };
    filled -= length;
    start += length;
    n += 1;
    return segment;
  }

  /** What can be cut off now; `ended` when the audio ends here, so that no cut will ever see more. */
  function* cuts(ended: boolean): Generator<Segment, void> {
    for (;;) {
      const settled = boundaries[n];
      const seconds = limitOf(limits, n);
      const limit = seconds * sampleRate;
      const expand = expandSeconds(seconds) * sampleRate;
      const enough = ended && limit === largest ? limit : limit + expand - 1;
      if (settled === undefined ? filled <= enough : filled < settled - start) return;
      const audio = buffer.subarray(0, filled);
      yield take(settled === undefined ? findCut(audio, { limit, expand, window }) : settled - start, false);
    }
  }

  return {
    push(samples) {
      const segments: Segment[] = [];
      for (let from = 0; from < samples.length; from += largest) {
        append(samples.subarray(from, from + largest));
        segments.push(...cuts(false));
      }
      return segments;
    },
    end() {
      const segments = [...cuts(true)];
      if (filled > 0 || n > 0) segments.push(take(filled, true));
      return segments;
    },
  };
}

/** Where audio that begins at 0 and is longer than `limit` is cut; all in samples, `window` the stretch that is looked at. */
export function findCut(
  audio: Int16Array,
  { limit, expand, window }: { limit: number; expand: number; window: number },
): number {
  const left = Math.max(0, limit - expand);
  const right = Math.min(audio.length, limit + expand);
  if (right - left <= window) return limit;
  let sum = 0;
  for (let index = left; index < left + window; index += 1) sum += Math.abs(audio[index] ?? 0);
  let quietest = sum;
  let quiet = left;
  for (let index = left + 1; index + window <= right; index += 1) {
    sum += Math.abs(audio[index + window - 1] ?? 0) - Math.abs(audio[index - 1] ?? 0);
    if (sum < quietest) {
      quietest = sum;
      quiet = index;
    }
  }
  let cut = quiet;
  for (let index = quiet + 1; index < quiet + window; index += 1) {
    if (Math.abs(audio[index] ?? 0) < Math.abs(audio[cut] ?? 0)) cut = index;
  }
  return Math.max(1, cut);
}
