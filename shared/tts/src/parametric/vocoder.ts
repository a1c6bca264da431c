/**
 * Parameters of a voice to samples.
 *
 * Every 5 ms has a pitch, the envelope of its spectrum as a mel-cepstrum, and in a few bands how much of the sound is
 * voice and how much is breath. Pulses and noise are cut into overlapping windows that sum to one, each is shaped in its
 * spectrum by its frame's envelope (minimum phase, as vocal tracts are) and the results are added up. So one envelope
 * fades into the next, and there is no edge anywhere for a click. Both ends fade to nothing: what is spoken can be joined.
 *
 * Mel-cepstrum: log H(w) = sum of c[m] exp(-i m w'), w' the frequency bent by an all-pass (Fukada et al. 1992). Unbent once
 * by a matrix it is an ordinary cepstrum, and that of a causal sequence is the logarithm of a minimum-phase spectrum.
 * Two frames share each transform: one is the real part, the other the imaginary.
 */
import { bandMix } from "./bands.ts";
import { excite } from "./excitation.ts";
import { createFft } from "./fft.ts";

export interface VocoderOptions {
  sampleRate: number;
  /** Samples of a frame. */
  hop: number;
  /** Of the mel-cepstrum: it has `order + 1` coefficients. */
  order: number;
  /** How strongly frequencies are bent. */
  alpha: number;
  /** Hz, ascending: where one band of voicing strength passes into the next. */
  bandEdges: readonly number[];
  /** Factor on every sample. */
  gain: number;
}

export interface VoiceParameters {
  /** Hz [frames], 0 where unvoiced. */
  f0: Float32Array;
  /** [frames, order + 1]; the samples it gives count to 32768. */
  cepstrum: Float32Array;
  /** [frames, bands], 0 to 1. */
  strengths: Float32Array;
}

/**
 * `frames * hop` samples, in pieces as they are shaped: each follows the one before it, and they are views of the whole, which is
 * the result. Several voices may be under way at a time.
 */
export type Vocoder = (parameters: VoiceParameters) => Generator<Int16Array, Int16Array>;

/** Room for a window and for the sound of an envelope to die away: with twice the size the samples differ by -58 dB. */
const FFT_SIZE = 512;
/** Coefficients of the unbent cepstrum: the all-pass has died away by then. */
const CEPSTRUM_LENGTH = 192;
/** Frames of a piece, an even number: a second or so, which is some ten milliseconds of work. */
const PIECE = 200;
/** Of the first one: whoever waits for it has a fifth of a second of sound in a fifth of the time. */
const FIRST_PIECE = 40;
const LOUDEST = 32_000;
/** Above this the samples bend towards LOUDEST, where a clipped one would crack. */
const KNEE = 24_000;

export function createVocoder(options: VocoderOptions): Vocoder {
  const { sampleRate, hop, order, gain } = options;
  if (hop % 2 !== 0 || 3 * hop > FFT_SIZE) {
    throw new RangeError(`frames of ${hop} samples: an even number, at most ${Math.floor(FFT_SIZE / 3)}, is needed`);
  }
  const fft = createFft(FFT_SIZE);
  const bins = FFT_SIZE / 2 + 1;
  const width = order + 1;
  const bands = options.bandEdges.length + 1;
  const unbend = unbendingMatrix(options);
  const mix = bandMix({ ...options, bins });
  const window = Float64Array.from({ length: 2 * hop }, (_, n) => 0.5 - 0.5 * Math.cos((Math.PI * (n + 0.5)) / hop));

  const pair = () => ({ real: new Float64Array(FFT_SIZE), imaginary: new Float64Array(FFT_SIZE) });
  const envelope = pair();
  const first = pair();
  const second = pair();
  const sum = pair();

  /** Both frames' cepstra, unbent, as one complex signal. */
  const loadCepstra = (cepstrum: Float32Array, frame: number, frames: number): void => {
    envelope.real.fill(0, CEPSTRUM_LENGTH);
    envelope.imaginary.fill(0, CEPSTRUM_LENGTH);
    const one = frame * width;
    const other = Math.min(frame + 1, frames - 1) * width;
    for (let n = 0, at = 0; n < CEPSTRUM_LENGTH; n++) {
      let a = 0;
      let b = 0;
      for (let m = 0; m < width; m++, at++) {
        const factor = unbend[at] as number;
        a += factor * (cepstrum[one + m] as number);
        b += factor * (cepstrum[other + m] as number);
      }
      envelope.real[n] = a;
      envelope.imaginary[n] = b;
    }
    fft.forward(envelope.real, envelope.imaginary);
  };

  /** The windowed pulses of a frame as the real part, its noise as the imaginary. */
  const loadExcitation = (target: typeof first, pulses: Float64Array, noise: Float64Array, start: number): void => {
    target.real.fill(0, 2 * hop);
    target.imaginary.fill(0, 2 * hop);
    for (let n = 0; n < 2 * hop; n++) {
      const weight = window[n] as number;
      target.real[n] = weight * (pulses[start + n] ?? 0);
      target.imaginary[n] = weight * (noise[start + n] ?? 0);
    }
    fft.forward(target.real, target.imaginary);
  };

  return function* ({ f0, cepstrum, strengths }) {
    const frames = f0.length;
    const { pulses, noise } = excite({ f0, sampleRate, hop });
    const output = new Float64Array(frames * hop + FFT_SIZE + hop);
    const samples = new Int16Array(frames * hop);
    const signal = output.subarray(hop / 2, hop / 2 + samples.length);
    let done = 0;
    for (let frame = 0; frame < frames; frame += 2) {
      loadCepstra(cepstrum, frame, frames);
      // A frame's window reaches half a frame beyond it on both sides.
      const start = frame * hop - hop / 2;
      loadExcitation(first, pulses, noise, start);
      loadExcitation(second, pulses, noise, start + hop);
      shape(frame, Math.min(frame + 1, frames - 1), strengths);
      fft.inverse(sum.real, sum.imaginary);
      for (let n = 0; n < FFT_SIZE; n++) {
        // `output` begins half a frame early.
        const at = frame * hop + n;
        output[at] = (output[at] as number) + (sum.real[n] as number);
        if (frame + 1 < frames) output[at + hop] = (output[at + hop] as number) + (sum.imaginary[n] as number);
      }
      const next = frame + 2;
      if (next < frames && next !== FIRST_PIECE && next % PIECE !== 0) continue;
      // The windows of frames to come begin half a frame early.
      const ready = next < frames ? next * hop - hop / 2 : samples.length;
      finish(signal, samples, { from: done, to: ready, gain: gain / FFT_SIZE, hop });
      yield samples.subarray(done, ready);
      done = ready;
    }
    return samples;
  };

  /** sum = the spectrum of the first frame + i times that of the second. */
  function shape(one: number, other: number, strengths: Float32Array): void {
    const { band, fraction } = mix;
    for (let k = 0; k < bins; k++) {
      const mirror = (FFT_SIZE - k) & (FFT_SIZE - 1);
      // Parts of the two real signals of a transform: X[k] and the conjugate of X[-k].
      const a = envelope.real[k] as number;
      const b = envelope.imaginary[k] as number;
      const c = envelope.real[mirror] as number;
      const d = envelope.imaginary[mirror] as number;
      const low = band[k] as number;
      const part = fraction[k] as number;
      const firstReal = spectrumPart(
        first,
        k,
        mirror,
        strengthAt(strengths, one * bands + low, part),
        (a + c) / 2,
        (b - d) / 2,
      );
      const firstImaginary = turned;
      const secondReal = spectrumPart(
        second,
        k,
        mirror,
        strengthAt(strengths, other * bands + low, part),
        (b + d) / 2,
        (c - a) / 2,
      );
      const secondImaginary = turned;
      sum.real[k] = firstReal - secondImaginary;
      sum.imaginary[k] = firstImaginary + secondReal;
      if (mirror === k) continue;
      sum.real[mirror] = firstReal + secondImaginary;
      sum.imaginary[mirror] = secondReal - firstImaginary;
    }
  }
}

/** The imaginary part of what `spectrumPart` last gave: a pair on the heap for every bin would cost more than the sum. */
let turned = 0;

/** Real part of (strength * pulses + (1 - strength) * noise) * exp(logarithm) at one bin. */
function spectrumPart(
  excitation: { real: Float64Array; imaginary: Float64Array },
  k: number,
  mirror: number,
  strength: number,
  logAmplitude: number,
  angle: number,
): number {
  const a = excitation.real[k] as number;
  const b = excitation.imaginary[k] as number;
  const c = excitation.real[mirror] as number;
  const d = excitation.imaginary[mirror] as number;
  const breath = 1 - strength;
  const real = (strength * (a + c) + breath * (b + d)) / 2;
  const imaginary = (strength * (b - d) + breath * (c - a)) / 2;
  const amplitude = Math.exp(logAmplitude);
  const cosine = amplitude * Math.cos(angle);
  const sine = amplitude * Math.sin(angle);
  turned = real * sine + imaginary * cosine;
  return real * cosine - imaginary * sine;
}

function strengthAt(strengths: Float32Array, at: number, part: number): number {
  const low = strengths[at] as number;
  return part === 0 ? low : low + part * ((strengths[at + 1] as number) - low);
}

/** [CEPSTRUM_LENGTH, order + 1]: column m is the impulse response of the m-th power of the bending all-pass. */
function unbendingMatrix({ order, alpha }: VocoderOptions): Float64Array {
  const matrix = new Float64Array(CEPSTRUM_LENGTH * (order + 1));
  let response = new Float64Array(CEPSTRUM_LENGTH);
  response[0] = 1;
  for (let m = 0; m <= order; m++) {
    for (let n = 0; n < CEPSTRUM_LENGTH; n++) matrix[n * (order + 1) + m] = response[n] as number;
    // y[n] = x[n-1] - alpha x[n] + alpha y[n-1]
    const next = new Float64Array(CEPSTRUM_LENGTH);
    for (let n = 0; n < CEPSTRUM_LENGTH; n++) {
      next[n] = (response[n - 1] ?? 0) - alpha * (response[n] as number) + alpha * (next[n - 1] ?? 0);
    }
    response = next;
  }
  return matrix;
}

interface Finish {
  from: number;
  to: number;
  gain: number;
  hop: number;
}

/** Samples as they leave: scaled, bent where they would clip, faded in and out within a frame. */
function finish(signal: Float64Array, samples: Int16Array, { from, to, gain, hop }: Finish): void {
  for (let n = from; n < to; n++) {
    const edge = Math.min(1, n / hop, (signal.length - 1 - n) / hop);
    samples[n] = Math.round(soften((signal[n] as number) * gain) * edge);
  }
}

function soften(value: number): number {
  const over = Math.abs(value) - KNEE;
  if (over <= 0) return value;
  return Math.sign(value) * (KNEE + (LOUDEST - KNEE) * Math.tanh(over / (LOUDEST - KNEE)));
}
