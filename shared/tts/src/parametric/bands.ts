/** Bands of voicing strength over the bins of a spectrum. */

export interface BandOptions {
  sampleRate: number;
  /** Hz, ascending: where one band passes into the next. */
  bandEdges: readonly number[];
  bins: number;
}

/** For every bin: the band below it and the part of the next band in it; they cross within a fifth of an octave. */
export function bandMix({ sampleRate, bandEdges, bins }: BandOptions): { band: Uint8Array; fraction: Float64Array } {
  const band = new Uint8Array(bins);
  const fraction = new Float64Array(bins);
  for (let k = 0; k < bins; k++) {
    const frequency = (k * sampleRate) / (2 * (bins - 1));
    for (const [index, edge] of bandEdges.entries()) {
      const low = edge * 2 ** -0.1;
      const high = edge * 2 ** 0.1;
      if (frequency >= high) band[k] = index + 1;
      else if (frequency > low) {
        band[k] = index;
        fraction[k] = 0.5 - 0.5 * Math.cos((Math.PI * (frequency - low)) / (high - low));
      }
    }
  }
  return { band, fraction };
}
