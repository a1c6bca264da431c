/**
 * Sound said faster or slower at the same pitch, as it comes: waveform-similarity overlap-add (Verhelst and Roelands, 1993), which suits
 * one voice. Grains are laid over one another by half. Each is looked for near the place that the pace asks for, where the sound is most
 * like what follows the grain before, so that the waves of a voice run on. Pure.
 *
 * Of the libraries those that are good at speech cannot be had as a stream in Node under a licence that fits, or click where their
 * buffers move.
 */
import { joined } from "./joined.ts";

export interface Pace {
  push(samples: Float32Array): Float32Array;
  /** What is left. */
  end(): Float32Array;
}

/** By which grains follow one another: two of them hold two periods of a low voice. */
const HOP_SECONDS = 0.02;
/** How far from its place a grain is looked for: a period of that voice. */
const SEARCH_SECONDS = 0.014;

/** `speed`: 0.25 to 4; at 1 the samples are the same. All that comes is as long as what was pushed, divided by it. */
export function createPace(sampleRate: number, speed: number): Pace {
  if (speed === 1) return { push: (samples) => samples, end: () => new Float32Array() };
  const hop = Math.round(HOP_SECONDS * sampleRate);
  const search = Math.round(SEARCH_SECONDS * sampleRate);
  const fade = Float32Array.from({ length: hop }, (_, at) => 0.5 - 0.5 * Math.cos((Math.PI * (at + 0.5)) / hop));
  /** Samples from `offset` on. */
  let held = new Float32Array();
  let offset = 0;
  /** Grains so far, and where the last one begins. */
  let grains = 0;
  let last = 0;

  const ideal = () => Math.round(grains * hop * speed);
  const end = () => offset + held.length;

  /** Lays the next grain, at `begin`, over the last one. Answers what is now known: one hop. */
  function lay(begin: number): Float32Array {
    const made = new Float32Array(hop);
    const [from, to] = [last + hop - offset, begin - offset];
    for (let at = 0; at < hop; at++) {
      const rise = fade[at] ?? 0;
      made[at] = (held[from + at] ?? 0) * (1 - rise) + (held[to + at] ?? 0) * rise;
    }
    last = begin;
    grains++;
    return made;
  }

  /** The first grain's own beginning. */
  function open(): Float32Array {
    grains = 1;
    return held.slice(0, hop);
  }

  /** As long as a grain that is looked for as far as `latest` is there. */
  function layAll(more: () => boolean, latest: () => number): Float32Array[] {
    const made: Float32Array[] = [];
    while (more()) {
      const place = ideal();
      const from = Math.max(0, Math.min(place - search, latest()));
      made.push(
        lay(
          mostAlike(held, last + hop - offset, hop, [from - offset, Math.min(place + search, latest()) - offset]) +
            offset,
        ),
      );
    }
    const needless = Math.min(last + hop, Math.max(0, ideal() - search)) - offset;
    if (needless > 0) {
      held = held.slice(needless);
      offset += needless;
    }
    return made;
  }

  return {
    push(samples) {
      held = joined([held, samples]);
      const made = grains === 0 && held.length >= 2 * hop ? [open()] : [];
      if (grains === 0) return new Float32Array();
      made.push(
        ...layAll(
          () => ideal() + search + 2 * hop <= end(),
          () => Number.POSITIVE_INFINITY,
        ),
      );
      return joined(made);
    },
    end() {
      const total = Math.round(end() / speed);
      // Of less than a grain there is nothing to lay.
      if (grains === 0) return held.slice(0, total);
      const given = () => grains * hop;
      const before = given();
      const made = layAll(
        () => given() + hop < total,
        () => end() - 2 * hop,
      );
      const rest = joined([...made, held.slice(last + hop - offset)]);
      return rest.slice(0, Math.max(0, total - before));
    },
  };
}

/** The place from `first` to `last` whose sound is most like that at `target`, over so many samples. */
function mostAlike(
  samples: Float32Array,
  target: number,
  count: number,
  [first, last]: readonly [number, number],
): number {
  let best = first;
  let likeness = Number.NEGATIVE_INFINITY;
  let energy = 1e-9;
  for (let at = 0; at < count; at++) energy += (samples[first + at] ?? 0) ** 2;
  for (let place = first; place <= last; place++) {
    let product = 0;
    for (let at = 0; at < count; at++) product += (samples[place + at] ?? 0) * (samples[target + at] ?? 0);
    const found = product / Math.sqrt(Math.max(energy, 1e-9));
    if (found > likeness) {
      likeness = found;
      best = place;
    }
    energy += (samples[place + count] ?? 0) ** 2 - (samples[place] ?? 0) ** 2;
  }
  return best;
}
