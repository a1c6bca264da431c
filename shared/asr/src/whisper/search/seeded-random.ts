/** Random numbers that are the same for the same audio: a segment that is run again says the same. */
export function seededRandom(samples: Int16Array, temperature: number): () => number {
  let state = Math.round(temperature * 1000) + 1;
  for (const sample of samples) state = (Math.imul(state, 31) + sample) | 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
