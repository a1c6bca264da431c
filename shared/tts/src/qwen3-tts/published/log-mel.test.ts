import { expect, test } from "vitest";
import { createLogMel, MELS } from "./log-mel.ts";

const RATE = 24_000;
const SIZE = 1_024;
const HOP = 256;

/** Slaney's scale, as he wrote it: 13.33 mels for each 200/3 Hz below 1 kHz, and even in the logarithm above. */
function hertzOf(mel: number): number {
  return mel < 15 ? (200 / 3) * mel : 1_000 * 6.4 ** ((mel - 15) / 27);
}
const HIGHEST = 15 + (27 * Math.log(12)) / Math.log(6.4);

/** One frame by the definition: a sum for each bin, and a triangle for each mel. */
function slowly(samples: Float32Array, frame: number): number[] {
  const at = (place: number) => {
    const inside = Math.abs(place);
    return samples[inside < samples.length ? inside : 2 * (samples.length - 1) - inside] ?? 0;
  };
  const magnitudes = Array.from({ length: SIZE / 2 + 1 }, (_, bin) => {
    let [real, imaginary] = [0, 0];
    for (let n = 0; n < SIZE; n += 1) {
      const windowed = at(frame * HOP - 384 + n) * Math.sin((Math.PI * n) / SIZE) ** 2;
      real += windowed * Math.cos((2 * Math.PI * bin * n) / SIZE);
      imaginary -= windowed * Math.sin((2 * Math.PI * bin * n) / SIZE);
    }
    return Math.sqrt(real * real + imaginary * imaginary + 1e-9);
  });
  return Array.from({ length: MELS }, (_, mel) => {
    const [low = 0, middle = 0, high = 0] = [mel, mel + 1, mel + 2].map((edge) =>
      hertzOf((HIGHEST * edge) / (MELS + 1)),
    );
    let sum = 0;
    for (const [bin, magnitude] of magnitudes.entries()) {
      const hertz = (bin * RATE) / SIZE;
      const slope = hertz <= middle ? (hertz - low) / (middle - low) : (high - hertz) / (high - middle);
      sum += (Math.max(0, slope) * 2 * magnitude) / (high - low);
    }
    return Math.log(Math.max(1e-5, sum));
  });
}

test("frames are what the definition says, at both ends and between them", () => {
  const samples = Float32Array.from({ length: 3_000 }, (_, at) => Math.sin(at * at * 1e-4) * 0.5 + Math.sin(at) * 0.1);
  const { data, frames } = createLogMel()(samples);
  expect(frames).toBe(Math.floor((3_000 + 768 - SIZE) / HOP) + 1);
  for (const frame of [0, 5, frames - 1]) {
    const expected = slowly(samples, frame);
    for (const [mel, value] of expected.entries()) expect(data[frame * MELS + mel]).toBeCloseTo(value, 4);
  }
});

test("silence is as little as there can be", () => {
  const { data } = createLogMel()(new Float32Array(2_048));
  for (const value of data) expect(value).toBeCloseTo(Math.log(1e-5), 5);
});
