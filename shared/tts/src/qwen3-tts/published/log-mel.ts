/**
 * The log-mel spectrogram that the speaker encoder reads, as the official package computes it. Windows of 1024 samples (Hann) at 24 kHz, 256
 * apart, the ends reflected by 384; magnitudes; 128 triangles on Slaney's scale up to 12 kHz, with an area of one each.
 */
import { createFft } from "../../parametric/fft.ts";

export interface LogMel {
  /** [frames, MELS] */
  data: Float32Array;
  frames: number;
}

export const MELS = 128;
const RATE = 24_000;
const SIZE = 1_024;
const HOP = 256;
const REFLECTED = (SIZE - HOP) / 2;
const BINS = SIZE / 2 + 1;
/** Under the root of a magnitude. */
const LEAST_POWER = 1e-9;
const LEAST = 1e-5;

/** Of at least SIZE samples. */
export function createLogMel(): (samples: Float32Array) => LogMel {
  const fft = createFft(SIZE);
  const window = Float64Array.from({ length: SIZE }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / SIZE));
  const filters = melFilters();
  const real = new Float64Array(SIZE);
  const imaginary = new Float64Array(SIZE);

  return (samples) => {
    const padded = reflect(samples);
    const frames = 1 + Math.floor((padded.length - SIZE) / HOP);
    const data = new Float32Array(frames * MELS);
    for (let frame = 0; frame < frames; frame += 1) {
      for (let at = 0; at < SIZE; at += 1) real[at] = (padded[frame * HOP + at] ?? 0) * (window[at] ?? 0);
      imaginary.fill(0);
      fft.forward(real, imaginary);
      const magnitudes = Float64Array.from({ length: BINS }, (_, bin) =>
        Math.sqrt((real[bin] ?? 0) ** 2 + (imaginary[bin] ?? 0) ** 2 + LEAST_POWER),
      );
      for (const [mel, { first, weights }] of filters.entries()) {
        let sum = 0;
        for (const [at, weight] of weights.entries()) sum += weight * (magnitudes[first + at] ?? 0);
        data[frame * MELS + mel] = Math.log(Math.max(LEAST, sum));
      }
    }
    return { data, frames };
  };
}

function reflect(samples: Float32Array): Float32Array {
  const { length } = samples;
  return Float32Array.from({ length: length + 2 * REFLECTED }, (_, at) => {
    const place = Math.abs(at - REFLECTED);
    return samples[place < length ? place : 2 * (length - 1) - place] ?? 0;
  });
}

/** Hertz to Slaney's mels: even up to 1 kHz, 27 steps for each factor of 6.4 above. */
const KNEE = 1_000;
const PER_MEL = 200 / 3;
const STEP = Math.log(6.4) / 27;
const melOf = (hertz: number) => (hertz < KNEE ? hertz / PER_MEL : KNEE / PER_MEL + Math.log(hertz / KNEE) / STEP);
const hertzOf = (mel: number) =>
  mel < KNEE / PER_MEL ? mel * PER_MEL : KNEE * Math.exp(STEP * (mel - KNEE / PER_MEL));

interface Filter {
  /** The first bin that has a part in it. */
  first: number;
  weights: Float64Array;
}

export function melFilters(): Filter[] {
  const highest = melOf(RATE / 2);
  const edges = Array.from({ length: MELS + 2 }, (_, at) => hertzOf((highest * at) / (MELS + 1)));
  return Array.from({ length: MELS }, (_, mel): Filter => {
    const [low = 0, middle = 0, high = 0] = edges.slice(mel, mel + 3);
    const first = Math.ceil((low * SIZE) / RATE);
    const last = Math.min(BINS - 1, Math.floor((high * SIZE) / RATE));
    const weights = Float64Array.from({ length: Math.max(0, last - first + 1) }, (__, at) => {
      const hertz = ((first + at) * RATE) / SIZE;
      const height = Math.min((hertz - low) / (middle - low), (high - hertz) / (high - middle));
      return (Math.max(0, height) * 2) / (high - low);
    });
    return { first, weights };
  });
}
