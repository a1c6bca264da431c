/** The clips of the fixtures, made again: the same samples as models/recipes/whisper/clips.py makes. */
import { hashed } from "./random-weights.ts";

export interface ClipRule {
  kind: string;
  samples: number;
  seed: number;
}

export function makeClip({ kind, samples, seed }: ClipRule): Int16Array {
  if (kind === "silence") return new Int16Array(samples);
  if (kind === "noise")
    return Int16Array.from({ length: samples }, (_, n) => Math.floor((2 * hashed(seed, n) - 1) * 3000));
  return voice(samples, seed);
}

function voice(samples: number, seed: number): Int16Array {
  const syllable = 3200;
  const chosen = (part: number, choices: number, at: number) => Math.floor(hashed(seed * 8 + part, at) * choices);
  const out = new Int16Array(samples);
  let [low, lowBefore, high, highBefore, phase] = [0, 0, 0, 0, 0];
  for (let n = 0; n < samples; n++) {
    const at = Math.floor(n / syllable);
    const inside = n % syllable;
    let pulse = 0;
    if (++phase >= 80 + chosen(0, 90, at)) {
      phase = 0;
      pulse = chosen(3, 5, at) === 0 || inside < 300 ? 0 : 6000;
    }
    [low, lowBefore] = [(pulse * 64 + (100 + chosen(1, 24, at)) * low - 60 * lowBefore) >> 6, low];
    [high, highBefore] = [(pulse * 32 + (40 - 2 * chosen(2, 40, at)) * high - 58 * highBefore) >> 6, high];
    out[n] = Math.max(-32768, Math.min(32767, (low + high) >> 1));
  }
  return out;
}
