/** Discrete Fourier transform of any size that is a product of small primes (Whisper's 400 is 2^4 * 5^2). */

export interface Fft {
  readonly size: number;
  /** Transforms (real, imaginary) into `outReal` and `outImaginary`, which must be other arrays. */
  transform(real: Float64Array, imaginary: Float64Array, outReal: Float64Array, outImaginary: Float64Array): void;
}

export function createFft(size: number): Fft {
  const cosines = Float64Array.from({ length: size }, (_, step) => Math.cos((2 * Math.PI * step) / size));
  const sines = Float64Array.from({ length: size }, (_, step) => -Math.sin((2 * Math.PI * step) / size));
  const factors = factorize(size);
  const most = Math.max(1, ...factors);
  const gatheredReal = new Float64Array(most);
  const gatheredImaginary = new Float64Array(most);

  return {
    size,
    transform(real, imaginary, outReal, outImaginary) {
      recurse(0, 1, 0, size, 0);

      /** Decimation in time: `radix` transforms of every radix-th input, then one butterfly for each of their outputs. */
      function recurse(from: number, stride: number, to: number, length: number, level: number): void {
        if (length === 1) {
          outReal[to] = real[from] ?? 0;
          outImaginary[to] = imaginary[from] ?? 0;
          return;
        }
        const radix = factors[level] ?? length;
        const part = length / radix;
        for (let branch = 0; branch < radix; branch++) {
          recurse(from + branch * stride, stride * radix, to + branch * part, part, level + 1);
        }
        const turn = size / length;
        for (let index = 0; index < part; index++) {
          for (let branch = 0; branch < radix; branch++) {
            const a = outReal[to + branch * part + index] ?? 0;
            const b = outImaginary[to + branch * part + index] ?? 0;
            const cosine = cosines[branch * index * turn] ?? 0;
            const sine = sines[branch * index * turn] ?? 0;
            gatheredReal[branch] = a * cosine - b * sine;
            gatheredImaginary[branch] = a * sine + b * cosine;
          }
          for (let output = 0; output < radix; output++) {
            let sumReal = 0;
            let sumImaginary = 0;
            for (let branch = 0; branch < radix; branch++) {
              const step = ((branch * output) % radix) * (size / radix);
              const a = gatheredReal[branch] ?? 0;
              const b = gatheredImaginary[branch] ?? 0;
              const cosine = cosines[step] ?? 0;
              const sine = sines[step] ?? 0;
              sumReal += a * cosine - b * sine;
              sumImaginary += a * sine + b * cosine;
            }
            outReal[to + output * part + index] = sumReal;
            outImaginary[to + output * part + index] = sumImaginary;
          }
        }
      }
    },
  };
}

function factorize(size: number): number[] {
  const factors: number[] = [];
  for (let rest = size, factor = 2; rest > 1; ) {
    if (rest % factor === 0) {
      factors.push(factor);
      rest /= factor;
    } else {
      factor++;
    }
  }
  return factors;
}
