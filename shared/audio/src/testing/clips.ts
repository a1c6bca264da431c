/** The clips of the recipe's golden outputs, sample by sample: the twin of models/recipes/qwen3-asr/clips.py. */

const RATE = 16_000;
const BLOCK = 1_600;

/** Highest `bits` bits of the next state of the generator of Numerical Recipes. */
function createRandom(seed: number): (bits: number) => number {
  let state = seed;
  return (bits) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> (32 - bits);
  };
}

function triangle(phase: number): number {
  return Math.abs((phase & 65_535) - 32_768) - 16_384;
}

export function makeClip(kind: string, samples: number, seed: number): Int16Array {
  const clip = new Int16Array(samples);
  if (kind === "silence") return clip;
  const random = createRandom(seed);
  let low = 0;
  let high = 0;
  let lowStep = 0;
  let highStep = 0;
  let loudness = 0;
  for (let n = 0; n < samples; n++) {
    if (kind === "noise") {
      clip[n] = random(13) - 4_096;
      continue;
    }
    if (n % BLOCK === 0) {
      lowStep = Math.floor(((80 + random(7)) * 65_536) / RATE);
      highStep = Math.floor(((400 + random(11)) * 65_536) / RATE);
      loudness = random(4) * 500;
    }
    low += lowStep;
    high += highStep;
    const tone = ((triangle(low) * loudness) >> 14) + ((triangle(high) * (loudness >> 1)) >> 14);
    clip[n] = tone + random(7) - 64;
  }
  return clip;
}
