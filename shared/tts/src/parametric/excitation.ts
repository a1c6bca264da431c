/**
 * What the throat gives before the mouth shapes it: a pulse at every turn of the voice, and noise.
 *
 * The voice's phase is carried from frame to frame, so the pitch glides without a jump; a pulse may fall between two
 * samples (a windowed sinc), so that it does not rattle between whole periods either. Its energy is that of one period of
 * noise of unit variance. The noise is the same every time: the same text gives the same samples.
 */

const SINC_REACH = 8;
const SINC_STEPS = 64;

export interface Excitation {
  /** Both [frames * hop]. */
  pulses: Float64Array;
  noise: Float64Array;
}

export interface Pitch {
  /** Hz for every frame, 0 where it is unvoiced. */
  f0: Float32Array;
  sampleRate: number;
  /** Samples of a frame. */
  hop: number;
}

export function excite({ f0, sampleRate, hop }: Pitch): Excitation {
  const length = f0.length * hop;
  return { pulses: pulseTrain({ f0, sampleRate, hop }, length), noise: whiteNoise(length) };
}

function pulseTrain({ f0, sampleRate, hop }: Pitch, length: number): Float64Array {
  const pulses = new Float64Array(length);
  let phase = 0;
  for (let frame = 0; frame < f0.length; frame++) {
    const here = f0[frame] ?? 0;
    if (here <= 0) {
      // The next voiced stretch begins with a pulse.
      phase = 1;
      continue;
    }
    const before = f0[frame - 1] || here;
    const after = f0[frame + 1] || here;
    for (let i = 0; i < hop; i++) {
      // A frame's pitch is that of its middle; between the middles it glides.
      const part = (i + 0.5) / hop - 0.5;
      const pitch = part < 0 ? here + (here - before) * part : here + (after - here) * part;
      const step = pitch / sampleRate;
      phase += step;
      if (phase < 1) continue;
      phase = Math.min(phase - 1, step);
      addPulse(pulses, frame * hop + i - phase / step, Math.sqrt(1 / step));
    }
  }
  return pulses;
}

/** Values of the windowed sinc at 1/SINC_STEPS of a sample. */
const sinc = Float64Array.from({ length: 2 * SINC_REACH * SINC_STEPS + 1 }, (_, i) => {
  const x = i / SINC_STEPS - SINC_REACH;
  const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / SINC_REACH);
  return x === 0 ? 1 : (window * Math.sin(Math.PI * x)) / (Math.PI * x);
});

function addPulse(pulses: Float64Array, place: number, height: number): void {
  const first = Math.ceil(place - SINC_REACH);
  const last = Math.min(pulses.length - 1, Math.floor(place + SINC_REACH));
  for (let n = Math.max(0, first); n <= last; n++) {
    const tap = sinc[Math.round((n - place + SINC_REACH) * SINC_STEPS)] ?? 0;
    pulses[n] = (pulses[n] ?? 0) + height * tap;
  }
}

/** Uniform noise of unit variance (xorshift, Marsaglia 2003). */
function whiteNoise(length: number): Float64Array {
  const noise = new Float64Array(length);
  let state = 0x9e3779b9;
  for (let n = 0; n < length; n++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    noise[n] = state * (Math.sqrt(3) / 2 ** 31);
  }
  return noise;
}
