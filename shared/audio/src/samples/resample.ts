/**
 * Sample rate conversion as a stream: a polyphase bank of Kaiser-windowed sinc filters.
 *
 * Output sample k lies at input position k·M/L (L/M is the reduced ratio of the rates). Each of the L fractional positions
 * has its own filter, so an output costs one dot product. Lengths are exact: n input samples give ceil(n·L/M) outputs,
 * however they are cut into pushes, and the first output lies on the first input (no delay).
 */
import { createDotProduct, type DotProduct, STEP } from "./dot-product.ts";

export interface Resampler {
  /** Every output that the input so far determines. */
  push(samples: Float32Array): Float32Array;
  /** The outputs that needed to know that nothing follows. The resampler is spent afterwards. */
  end(): Float32Array;
}

/** Zero crossings of the sinc on either side. With ROLLOFF and BETA, to 16 kHz: −0.1 dB at 7 kHz, −97 dB from 8.5 kHz on. */
const ZERO_CROSSINGS = 28;
/** Cut-off as a share of the lower rate's Nyquist frequency. */
const ROLLOFF = 0.95;
/** Shape of the Kaiser window: more is deeper and wider. */
const BETA = 9.6;
/** More fractional positions than this share filters by linear interpolation between neighbours (odd rates only). */
const MOST_PHASES = 1_024;

/** Keeps the window small however long the input is. */
const LONGEST_PUSH = 65_536;

const NOTHING = new Float32Array(0);

export function createResampler(from: number, to: number): Resampler {
  if (from === to) return { push: (samples) => samples, end: () => NOTHING };
  const divisor = greatestCommonDivisor(from, to);
  return createPolyphase(to / divisor, from / divisor);
}

/** A kernel with the filters of one ratio in its memory; the input window comes behind them. */
interface Bench {
  kernel: DotProduct;
  half: number;
  taps: number;
  /** Where the window begins, in floats. */
  window: number;
}

/** Benches that finished resamplers left: making one costs more than resampling a short clip with it. */
const spare = new Map<string, Bench[]>();
const MOST_SPARE = 4;

function takeBench(up: number, down: number): Bench {
  const left = spare.get(`${up}/${down}`)?.pop();
  if (left !== undefined) return left;
  const scale = Math.min(1, up / down);
  const half = Math.ceil(ZERO_CROSSINGS / scale);
  const taps = Math.ceil((half * 2) / STEP) * STEP;
  const bank = createBank(Math.min(up, MOST_PHASES), half, taps, scale);
  const kernel = createDotProduct();
  kernel.grow(bank.length + taps + 16_384);
  kernel.floats().set(bank);
  return { kernel, half, taps, window: bank.length };
}

function leaveBench(up: number, down: number, bench: Bench): void {
  const key = `${up}/${down}`;
  const left = spare.get(key) ?? [];
  if (left.length < MOST_SPARE && spare.size <= MOST_SPARE * 4) spare.set(key, [...left, bench]);
}

/**
 * Positions count from the window's beginning: the output at position p needs window[p .. p + taps − 1], because half − 1 zeros
 * precede the stream.
 */
function createPolyphase(up: number, down: number): Resampler {
  const exact = up <= MOST_PHASES;
  const bench = takeBench(up, down);
  const { kernel, half, taps, window } = bench;
  kernel.floats().fill(0, window, window + half - 1);
  let filled = half - 1;
  let position = 0;
  let phase = 0;
  let received = 0;
  let produced = 0;

  function append(samples: Float32Array): void {
    kernel.grow(window + filled + samples.length);
    kernel.floats().set(samples, window + filled);
    filled += samples.length;
  }

  function produce(most: number): Float32Array {
    const ready = filled - taps - position;
    if (ready < 0 || most <= 0) return NOTHING;
    const output = new Float32Array(Math.min(most, Math.floor((ready * up + (up - 1 - phase)) / down) + 1));
    for (let index = 0; index < output.length; index += 1) {
      if (exact) {
        output[index] = kernel.dot(window + position, phase * taps, taps);
      } else {
        const at = (phase * MOST_PHASES) / up;
        const lower = Math.floor(at);
        const below = kernel.dot(window + position, lower * taps, taps);
        const above = kernel.dot(window + position, (lower + 1) * taps, taps);
        output[index] = below + (at - lower) * (above - below);
      }
      phase += down;
      const whole = Math.floor(phase / up);
      position += whole;
      phase -= whole * up;
    }
    const used = Math.min(position, filled);
    kernel.floats().copyWithin(window, window + used, window + filled);
    filled -= used;
    position -= used;
    produced += output.length;
    return output;
  }

  return {
    push(samples) {
      const outputs: Float32Array[] = [];
      for (let from = 0; from < samples.length; from += LONGEST_PUSH) {
        const part = samples.subarray(from, from + LONGEST_PUSH);
        received += part.length;
        append(part);
        outputs.push(produce(Number.POSITIVE_INFINITY));
      }
      return outputs.length === 1 ? (outputs[0] ?? NOTHING) : concatenate(outputs);
    },
    end() {
      const owed = Math.ceil((received * up) / down) - produced;
      append(new Float32Array(taps));
      const outputs = produce(owed);
      leaveBench(up, down, bench);
      return outputs;
    },
  };
}

/** `phases + 1` filters of `taps`, each of unit gain at 0 Hz; the last is the first one a sample later. */
function createBank(phases: number, half: number, taps: number, scale: number): Float32Array {
  const bank = new Float32Array((phases + 1) * taps);
  const row = new Float64Array(taps);
  for (let phase = 0; phase <= phases; phase += 1) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const distance = tap - (half - 1) - phase / phases;
      const angle = Math.PI * distance * scale * ROLLOFF;
      const weight = (angle === 0 ? 1 : Math.sin(angle) / angle) * kaiser(distance / half);
      row[tap] = weight;
      sum += weight;
    }
    bank.set(
      row.map((weight) => weight / sum),
      phase * taps,
    );
  }
  return bank;
}

function concatenate(parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The Kaiser window at −1 … 1. */
function kaiser(at: number): number {
  return Math.abs(at) > 1 ? 0 : bessel(BETA * Math.sqrt(1 - at * at)) / bessel(BETA);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
