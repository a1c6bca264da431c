/**
 * Sound without the silence at its ends, as it comes: what is silent is held back until it is known what follows. A few hundredths of
 * a second stay, so that nothing begins or ends with a click. Silence inside stays whole. Pure.
 */
import { joined } from "./joined.ts";

export interface SilenceTrimmer {
  /** Takes samples, and answers those that are known to stay. */
  push(samples: Float32Array): Float32Array;
  /** What stays of the rest. */
  end(): Float32Array;
  /** Whether anything was heard so far. */
  readonly heard: boolean;
}

const WINDOW_SECONDS = 0.01;
/** That stay at either end. */
const EDGE_WINDOWS = 4;
/** Root mean square of a window that is heard: -50 dB. */
const HEARD = 10 ** (-50 / 20);

export function createSilenceTrimmer(sampleRate: number): SilenceTrimmer {
  const window = Math.round(WINDOW_SECONDS * sampleRate);
  const edge = EDGE_WINDOWS * window;
  /** Silent so far, or of the window that is not whole. */
  let held = new Float32Array();
  /** How many of those held belong to windows that are silent. */
  let silent = 0;
  let heard = false;

  return {
    get heard() {
      return heard;
    },
    push(samples) {
      held = joined([held, samples]);
      let kept = 0;
      for (; silent + window <= held.length; silent += window) {
        if (!isHeard(held.subarray(silent, silent + window))) continue;
        if (!heard) held = held.slice(Math.max(0, silent - edge));
        if (!heard) silent = Math.min(silent, edge);
        heard = true;
        kept = silent + window;
      }
      // Of silence in front no more is needed than stays.
      const from = heard ? kept : Math.max(0, silent - edge);
      const stays = held.slice(0, kept);
      held = held.slice(from);
      silent -= from;
      return stays;
    },
    end() {
      const rest = heard ? held.slice(0, edge) : new Float32Array();
      held = new Float32Array();
      silent = 0;
      return rest;
    },
  };
}

function isHeard(samples: Float32Array): boolean {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return energy >= HEARD * HEARD * samples.length;
}
