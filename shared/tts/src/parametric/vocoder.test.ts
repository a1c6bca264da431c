import { expect, test } from "vitest";
import { createVocoder, type VoiceParameters } from "./vocoder.ts";

const sampleRate = 16_000;
const hop = 80;
const shape = createVocoder({ sampleRate, hop, order: 24, alpha: 0.42, bandEdges: [850, 1750, 3850, 6200], gain: 1 });

function vocode(parameters: VoiceParameters): Int16Array {
  const work = shape(parameters);
  for (;;) {
    const piece = work.next();
    if (piece.done === true) return piece.value;
  }
}

/** A flat spectrum of the given level, all voice or all breath. */
function steady(frames: number, f0: (frame: number) => number, strength: number, level = 6): VoiceParameters {
  const cepstrum = new Float32Array(frames * 25);
  for (let frame = 0; frame < frames; frame++) cepstrum[frame * 25] = level;
  return {
    f0: Float32Array.from({ length: frames }, (_, frame) => f0(frame)),
    cepstrum,
    strengths: new Float32Array(frames * 5).fill(strength),
  };
}

const rms = (samples: Int16Array) => Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);

/** Lag of the highest autocorrelation. */
function period(samples: Int16Array, from: number, to: number): number {
  let best = 0;
  let found = 0;
  for (let lag = from; lag <= to; lag++) {
    let sum = 0;
    for (let n = 0; n + lag < samples.length; n++) sum += (samples[n] ?? 0) * (samples[n + lag] ?? 0);
    if (sum > best) [best, found] = [sum, lag];
  }
  return found;
}

test("gives a frame's samples for every frame, and the same ones every time", () => {
  const parameters = steady(41, () => 180, 0.7);
  const samples = vocode(parameters);
  expect(samples.length).toBe(41 * hop);
  expect(vocode(parameters)).toEqual(samples);
});

test("comes in pieces that follow one another, and voices that are shaped in turns are as alone", () => {
  const voices = [steady(701, (frame) => 120 + frame / 8, 0.7), steady(430, () => 210, 0.4)];
  const whole = voices.map(vocode);
  const works = voices.map((voice) => ({ work: shape(voice), pieces: [] as Int16Array[] }));
  for (let left = works; left.length > 0; ) {
    left = left.filter(({ work, pieces }) => {
      const piece = work.next();
      if (piece.done !== true) pieces.push(piece.value.slice());
      return piece.done !== true;
    });
  }
  for (const [at, { pieces }] of works.entries()) {
    expect(pieces.length).toBeGreaterThan(1);
    expect(Int16Array.from(pieces.flatMap((piece) => [...piece]))).toEqual(whole[at]);
  }
});

test("a voiced stretch repeats with the period of its pitch", () => {
  const samples = vocode(steady(100, () => 200, 1));
  expect(period(samples.subarray(1000, 7000), 50, 120)).toBe(80);
});

test("a fractional period stays exact over half a second: pulses fall between samples", () => {
  const samples = vocode(steady(100, () => 16_000 / 90.5, 1));
  // 40 periods of 90.5 samples: whole periods of 90 or 91 would be 20 samples off.
  const one = samples.subarray(1000, 1600);
  let best = 0;
  let found = 0;
  for (let lag = 3600; lag <= 3640; lag++) {
    const sum = one.reduce((total, value, n) => total + value * (samples[1000 + lag + n] ?? 0), 0);
    if (sum > best) [best, found] = [sum, lag];
  }
  expect(found).toBe(3620);
});

test("voice and breath are equally loud, and as loud as the envelope says", () => {
  const expected = Math.exp(6);
  expect(rms(vocode(steady(200, () => 150, 1))) / expected).toBeCloseTo(1, 1);
  expect(rms(vocode(steady(200, () => 0, 0))) / expected).toBeCloseTo(1, 1);
});

test("an envelope with one formant puts the energy there", () => {
  const parameters = steady(60, () => 0, 0, 4);
  // Mel-cepstrum of order one: more at low frequencies.
  for (let frame = 0; frame < 60; frame++) parameters.cepstrum[frame * 25 + 1] = 1.5;
  const samples = vocode(parameters);
  let change = 0;
  for (let n = 1; n < samples.length; n++) change += ((samples[n] ?? 0) - (samples[n - 1] ?? 0)) ** 2;
  expect(Math.sqrt(change / samples.length)).toBeLessThan(rms(samples));
});

test("both ends fade to nothing", () => {
  const samples = vocode(steady(50, () => 180, 0.5));
  expect(Math.abs(samples[0] ?? 1)).toBe(0);
  expect(Math.abs(samples.at(-1) ?? 1)).toBe(0);
});

test("no click where the level, the pitch or the voicing changes from one frame to the next", () => {
  const parameters = steady(120, (frame) => (frame < 40 ? 120 : frame < 80 ? 240 : 0), 1, 4);
  for (let frame = 60; frame < 90; frame++) parameters.cepstrum[frame * 25] = 7;
  // A low-pass envelope: what is left of a jump would stand out.
  for (let frame = 0; frame < 120; frame++) {
    parameters.cepstrum[frame * 25] = (parameters.cepstrum[frame * 25] ?? 0) - 2;
    parameters.cepstrum[frame * 25 + 1] = 2;
  }
  const samples = vocode(parameters);
  const jump = (from: number, to: number) => {
    let most = 0;
    for (let n = from; n < to; n++) {
      const bend = (samples[n + 1] ?? 0) - 2 * (samples[n] ?? 0) + (samples[n - 1] ?? 0);
      most = Math.max(most, Math.abs(bend));
    }
    return most;
  };
  const inside = jump(62 * hop, 78 * hop);
  for (const seam of [40, 60, 80, 90]) expect(jump((seam - 2) * hop, (seam + 2) * hop)).toBeLessThan(1.6 * inside);
});

test("what is too loud bends and does not wrap round", () => {
  const samples = vocode(steady(80, () => 150, 1, 11));
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(loudest).toBeGreaterThan(24_000);
  expect(loudest).toBeLessThanOrEqual(32_000);
});
