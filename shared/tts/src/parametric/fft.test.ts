import { expect, test } from "vitest";
import { createFft } from "./fft.ts";

const size = 64;
const signal = (seed: number) => Float64Array.from({ length: size }, (_, n) => Math.sin(n * n * seed + seed));

test("gives the discrete Fourier transform", () => {
  const real = signal(1.3);
  const imaginary = signal(0.7);
  const expected = Array.from({ length: size }, (_, k) => {
    let sumReal = 0;
    let sumImaginary = 0;
    for (let n = 0; n < size; n++) {
      const angle = (-2 * Math.PI * k * n) / size;
      sumReal += (real[n] ?? 0) * Math.cos(angle) - (imaginary[n] ?? 0) * Math.sin(angle);
      sumImaginary += (real[n] ?? 0) * Math.sin(angle) + (imaginary[n] ?? 0) * Math.cos(angle);
    }
    return { sumReal, sumImaginary };
  });
  createFft(size).forward(real, imaginary);
  for (const [k, { sumReal, sumImaginary }] of expected.entries()) {
    expect(real[k]).toBeCloseTo(sumReal, 9);
    expect(imaginary[k]).toBeCloseTo(sumImaginary, 9);
  }
});

test("forward and inverse give the signal times its size", () => {
  const real = signal(2.1);
  const imaginary = signal(0.3);
  const fft = createFft(size);
  fft.forward(real, imaginary);
  fft.inverse(real, imaginary);
  for (const [n, value] of signal(2.1).entries()) expect((real[n] ?? 0) / size).toBeCloseTo(value, 12);
});

test("a size that is no power of two is refused", () => {
  expect(() => createFft(48)).toThrow("power of two");
});
