/**
 * Complex FFT of one size, in place, on separate real and imaginary parts. Two real signals go through it as one complex
 * signal: that is how the vocoder halves its work.
 *
 * Decimation in time (Cooley and Tukey 1965): bit reversal, a first pass of four points, then passes of two. Not
 * normalised: forward and then inverse gives `size` times the signal.
 */
export interface Fft {
  readonly size: number;
  /** X[k] = sum of x[n] exp(-2 pi i n k / size). */
  forward(real: Float64Array, imaginary: Float64Array): void;
  /** x[n] = sum of X[k] exp(+2 pi i n k / size). */
  inverse(real: Float64Array, imaginary: Float64Array): void;
}

/** `size` is a power of two, at least 4. */
export function createFft(size: number): Fft {
  const bits = Math.log2(size);
  if (!Number.isInteger(bits) || bits < 2)
    throw new RangeError(`an FFT of ${size} points: a power of two from 4 is needed`);
  const reversed = new Uint32Array(size);
  for (let i = 0; i < size; i++) reversed[i] = ((reversed[i >> 1] ?? 0) >> 1) | ((i & 1) << (bits - 1));
  const cosines = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sines = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));

  const forward = (real: Float64Array, imaginary: Float64Array): void => {
    for (let i = 0; i < size; i++) {
      const j = reversed[i] as number;
      if (j <= i) continue;
      const swappedReal = real[i] as number;
      const swappedImaginary = imaginary[i] as number;
      real[i] = real[j] as number;
      imaginary[i] = imaginary[j] as number;
      real[j] = swappedReal;
      imaginary[j] = swappedImaginary;
    }
    fourPoints(real, imaginary, size);
    for (let half = 4; half < size; half *= 2) twoPoints(real, imaginary, size, half, cosines, sines);
  };

  return {
    size,
    forward,
    // Exchanging the parts on both sides turns one direction into the other.
    inverse: (real, imaginary) => forward(imaginary, real),
  };
}

function fourPoints(real: Float64Array, imaginary: Float64Array, size: number): void {
  for (let i = 0; i < size; i += 4) {
    // After bit reversal the four lie as x0, x2, x1, x3.
    const sumReal = (real[i] as number) + (real[i + 1] as number);
    const sumImaginary = (imaginary[i] as number) + (imaginary[i + 1] as number);
    const differenceReal = (real[i] as number) - (real[i + 1] as number);
    const differenceImaginary = (imaginary[i] as number) - (imaginary[i + 1] as number);
    const oddSumReal = (real[i + 2] as number) + (real[i + 3] as number);
    const oddSumImaginary = (imaginary[i + 2] as number) + (imaginary[i + 3] as number);
    const oddDifferenceReal = (real[i + 2] as number) - (real[i + 3] as number);
    const oddDifferenceImaginary = (imaginary[i + 2] as number) - (imaginary[i + 3] as number);
    real[i] = sumReal + oddSumReal;
    imaginary[i] = sumImaginary + oddSumImaginary;
    real[i + 1] = differenceReal + oddDifferenceImaginary;
    imaginary[i + 1] = differenceImaginary - oddDifferenceReal;
    real[i + 2] = sumReal - oddSumReal;
    imaginary[i + 2] = sumImaginary - oddSumImaginary;
    real[i + 3] = differenceReal - oddDifferenceImaginary;
    imaginary[i + 3] = differenceImaginary + oddDifferenceReal;
  }
}

function twoPoints(
  real: Float64Array,
  imaginary: Float64Array,
  size: number,
  half: number,
  cosines: Float64Array,
  sines: Float64Array,
): void {
  const stride = size / (2 * half);
  for (let start = 0; start < size; start += 2 * half) {
    for (let k = 0, twiddle = 0; k < half; k++, twiddle += stride) {
      const low = start + k;
      const high = low + half;
      const cosine = cosines[twiddle] as number;
      const sine = sines[twiddle] as number;
      const highReal = real[high] as number;
      const highImaginary = imaginary[high] as number;
      const turnedReal = highReal * cosine - highImaginary * sine;
      const turnedImaginary = highReal * sine + highImaginary * cosine;
      const lowReal = real[low] as number;
      const lowImaginary = imaginary[low] as number;
      real[low] = lowReal + turnedReal;
      imaginary[low] = lowImaginary + turnedImaginary;
      real[high] = lowReal - turnedReal;
      imaginary[high] = lowImaginary - turnedImaginary;
    }
  }
}
