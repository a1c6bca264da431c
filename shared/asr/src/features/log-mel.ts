/**
 * Whisper's log-mel features, which Qwen3-ASR shares: 25 ms periodic Hann windows every 10 ms at 16 kHz, centred, with
 * reflected ends; power spectrum; Slaney mel filters from 0 to 8 kHz; log10, at most 8 below the loudest; (x + 4) / 4.
 * The last frame is dropped, so that n samples are floor(n / 160) frames. Ends of rows shorter than a window are zeros.
 */
import { createFft } from "./fft.ts";

const HOP = 160;
const WINDOW = 400;
const BINS = WINDOW / 2 + 1;
const SAMPLE_RATE = 16_000;

export interface LogMel {
  /** [mels, frames], one row for each mel band. */
  data: Float32Array;
  frames: number;
}

export type LogMelExtractor = (samples: Float32Array) => LogMel;

/** An extractor for 80 or 128 bands; it keeps its tables and buffers from one call to the next. */
export function createLogMel(mels: number): LogMelExtractor {
  const fft = createFft(WINDOW);
  const hann = Float64Array.from({ length: WINDOW }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / WINDOW));
  const filters = melFilters(mels);
  const [real, imaginary, outReal, outImaginary] = [0, 0, 0, 0].map(() => new Float64Array(WINDOW)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const power = new Float64Array(BINS);

  function fill(target: Float64Array, samples: Float32Array, frame: number): void {
    for (let index = 0; index < WINDOW; index++) {
      target[index] = (hann[index] ?? 0) * reflected(samples, frame * HOP + index - WINDOW / 2);
    }
  }

  return (samples) => {
    const frames = Math.floor(samples.length / HOP);
    const data = new Float32Array(mels * frames);
    let loudest = Number.NEGATIVE_INFINITY;
    const addFrame = (frame: number) => {
      for (const [mel, { first, weights }] of filters.entries()) {
        let sum = 0;
        for (let bin = 0; bin < weights.length; bin++) sum += (weights[bin] ?? 0) * (power[first + bin] ?? 0);
        const level = Math.log10(Math.max(sum, 1e-10));
        data[mel * frames + frame] = level;
        if (level > loudest) loudest = level;
      }
    };
    // Two real frames are one complex transform: the even part of its spectrum is the one, the odd part the other.
    for (let frame = 0; frame < frames; frame += 2) {
      fill(real, samples, frame);
      if (frame + 1 < frames) fill(imaginary, samples, frame + 1);
      else imaginary.fill(0);
      fft.transform(real, imaginary, outReal, outImaginary);
      for (const part of frame + 1 < frames ? [1, -1] : [1]) {
        for (let bin = 0; bin < BINS; bin++) {
          const mirror = (WINDOW - bin) % WINDOW;
          const a = ((outReal[bin] ?? 0) + part * (outReal[mirror] ?? 0)) / 2;
          const b = ((outImaginary[bin] ?? 0) - part * (outImaginary[mirror] ?? 0)) / 2;
          power[bin] = a * a + b * b;
        }
        addFrame(part === 1 ? frame : frame + 1);
      }
    }
    for (let index = 0; index < data.length; index++) {
      data[index] = (Math.max(data[index] ?? 0, loudest - 8) + 4) / 4;
    }
    return { data, frames };
  };
}

function reflected(samples: Float32Array, place: number): number {
  const last = samples.length - 1;
  const inside = place < 0 ? -place : place > last ? 2 * last - place : place;
  return samples[inside] ?? 0;
}

/** Slaney's mel scale is linear below 1 kHz and logarithmic above. */
const LINEAR_STEP = 200 / 3;
const KNEE_HERTZ = 1000;
const KNEE_MEL = KNEE_HERTZ / LINEAR_STEP;
const LOG_STEP = Math.log(6.4) / 27;

function toMel(hertz: number): number {
  return hertz < KNEE_HERTZ ? hertz / LINEAR_STEP : KNEE_MEL + Math.log(hertz / KNEE_HERTZ) / LOG_STEP;
}

function toHertz(mel: number): number {
  return mel < KNEE_MEL ? mel * LINEAR_STEP : KNEE_HERTZ * Math.exp(LOG_STEP * (mel - KNEE_MEL));
}

export interface MelFilter {
  /** First bin with a weight. */
  first: number;
  weights: Float32Array;
}

/** Triangles of equal area (Slaney's normalisation), from 0 Hz to half the sample rate. */
export function melFilters(mels: number): MelFilter[] {
  const top = toMel(SAMPLE_RATE / 2);
  const corners = Array.from({ length: mels + 2 }, (_, index) => toHertz((top * index) / (mels + 1)));
  return Array.from({ length: mels }, (_, mel) => {
    const [low = 0, centre = 0, high = 0] = corners.slice(mel, mel + 3);
    const all = Array.from({ length: BINS }, (_, bin) => {
      const hertz = (bin * SAMPLE_RATE) / WINDOW;
      const slope = Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
      return (Math.max(0, slope) * 2) / (high - low);
    });
    const first = Math.max(
      0,
      all.findIndex((weight) => weight > 0),
    );
    return { first, weights: Float32Array.from(all.slice(first, all.findLastIndex((weight) => weight > 0) + 1)) };
  });
}
