import { describe, expect, it } from "vitest";
import { createFft } from "./fft.ts";
import { createLogMel, melFilters } from "./log-mel.ts";

/** The transform by its definition. */
function slowTransform(real: ArrayLike<number>, imaginary: ArrayLike<number>): [number, number][] {
  const size = real.length;
  return Array.from({ length: size }, (_, k) => {
    let sumReal = 0;
    let sumImaginary = 0;
    for (let n = 0; n < size; n++) {
      const angle = (-2 * Math.PI * k * n) / size;
      sumReal += (real[n] ?? 0) * Math.cos(angle) - (imaginary[n] ?? 0) * Math.sin(angle);
      sumImaginary += (real[n] ?? 0) * Math.sin(angle) + (imaginary[n] ?? 0) * Math.cos(angle);
    }
    return [sumReal, sumImaginary];
  });
}

const noise = (count: number) => Float64Array.from({ length: count }, (_, n) => Math.sin(n * n * 0.37 + n));

describe("createFft", () => {
  it.each([1, 2, 5, 8, 15, 28, 400])("transforms %i numbers as the definition says", (size) => {
    const [real, imaginary] = [noise(size), noise(2 * size).slice(size)];
    const [outReal, outImaginary] = [new Float64Array(size), new Float64Array(size)];
    createFft(size).transform(real, imaginary, outReal, outImaginary);
    for (const [k, [expectedReal, expectedImaginary]] of slowTransform(real, imaginary).entries()) {
      expect(outReal[k]).toBeCloseTo(expectedReal, 8);
      expect(outImaginary[k]).toBeCloseTo(expectedImaginary, 8);
    }
  });
});

describe("createLogMel", () => {
  it("is what the definition says, frame by frame, for an even and an odd number of frames", () => {
    for (const length of [160 * 4 + 30, 160 * 5]) {
      const samples = Float32Array.from(noise(length));
      const { data, frames } = createLogMel(80)(samples);
      expect(frames).toBe(Math.floor(length / 160));
      const spectra = Array.from({ length: frames }, (_, frame) => {
        const windowed = Array.from({ length: 400 }, (_, n) => {
          let place = frame * 160 + n - 200;
          if (place < 0) place = -place;
          if (place >= length) place = 2 * (length - 1) - place;
          return (samples[place] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / 400));
        });
        return slowTransform(windowed, new Float64Array(400));
      });
      const levels = melFilters(80).flatMap(({ first, weights }) =>
        spectra.map((spectrum) => {
          const sum = weights.reduce((total, weight, bin) => {
            const [a, b] = spectrum[first + bin] ?? [0, 0];
            return total + weight * (a * a + b * b);
          }, 0);
          return Math.log10(Math.max(sum, 1e-10));
        }),
      );
      const floor = Math.max(...levels) - 8;
      for (const [index, level] of levels.entries()) {
        expect(data[index]).toBeCloseTo((Math.max(level, floor) + 4) / 4, 5);
      }
    }
  });

  it("puts a tone into the band that holds its frequency", () => {
    const samples = Float32Array.from({ length: 16_000 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 1000 * n) / 16_000));
    const { data, frames } = createLogMel(80)(samples);
    const loudest = Array.from({ length: 80 }, (_, mel) => data[mel * frames + 50] ?? 0);
    const band = loudest.indexOf(Math.max(...loudest));
    const { first, weights } = melFilters(80)[band] ?? { first: 0, weights: [] };
    expect(25).toBeGreaterThanOrEqual(first);
    expect(25).toBeLessThan(first + weights.length);
  });

  it("is flat for silence and empty for less than one hop", () => {
    expect(new Set(createLogMel(128)(new Float32Array(800)).data)).toEqual(new Set([(-10 + 4) / 4]));
    expect(createLogMel(80)(new Float32Array(159)).frames).toBe(0);
  });
});

describe("melFilters", () => {
  it("has the values of librosa's Slaney filters", () => {
    // librosa.filters.mel(sr=16000, n_fft=400, n_mels=80): first filter has one bin, 40 Hz, of weight 0.02486259.
    const [first] = melFilters(80);
    expect(first).toMatchObject({ first: 1 });
    expect(first?.weights[0]).toBeCloseTo(0.02486259, 5);
  });
});
