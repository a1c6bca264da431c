/** Discrete Fourier transform of any size that is a product of small primes (Whisper's 400 is 2^4 * 5^2). */

export interface Fft {
  readonly size: number;
  /** Transforms (real, imaginary) into `outReal` and `outImaginary`, which must be other arrays. */
  transform(real: Float64Array, imaginary: Float64Array, outReal: Float64Array, outImaginary: Float64Array): void;
}

/** Joins `radix` transforms of `part` numbers each, which lie one behind the other, to one. */
interface Stage {
  radix: number;
  part: number;
  /** By index of the part, then by branch from 1 on. */
  turnReal: Float64Array;
  turnImaginary: Float64Array;
  /** [radix, radix]: the transform of the branches. */
  matrixReal: Float64Array;
  matrixImaginary: Float64Array;
}

/** Decimation in time: numbers are put in order once, then stage after stage joins neighbours in place. */
export function createFft(size: number): Fft {
  const factors = factorize(size);
  const order = inputOrder(size, factors);
  const stages: Stage[] = [];
  let part = 1;
  for (const radix of factors.toReversed()) {
    stages.push(createStage(radix, part));
    part *= radix;
  }
  const most = Math.max(1, ...factors);
  const branchReal = new Float64Array(most);
  const branchImaginary = new Float64Array(most);

  return {
    size,
    transform(real, imaginary, outReal, outImaginary) {
      for (let index = 0; index < size; index++) {
        const from = order[index] ?? 0;
        outReal[index] = real[from] ?? 0;
        outImaginary[index] = imaginary[from] ?? 0;
      }
      for (const stage of stages) {
        if (stage.radix === 2) joinPairs(stage, outReal, outImaginary);
        else join(stage, outReal, outImaginary, branchReal, branchImaginary);
      }
    },
  };
}

function createStage(radix: number, part: number): Stage {
  const angleOf = (numerator: number, denominator: number) => (2 * Math.PI * (numerator % denominator)) / denominator;
  const angles = Array.from({ length: part }, (_, index) =>
    Array.from({ length: radix - 1 }, (_, branch) => angleOf(index * (branch + 1), part * radix)),
  ).flat();
  const matrix = Array.from({ length: radix * radix }, (_, place) =>
    angleOf(Math.floor(place / radix) * (place % radix), radix),
  );
  return {
    radix,
    part,
    turnReal: Float64Array.from(angles, Math.cos),
    turnImaginary: Float64Array.from(angles, (angle) => -Math.sin(angle)),
    matrixReal: Float64Array.from(matrix, Math.cos),
    matrixImaginary: Float64Array.from(matrix, (angle) => -Math.sin(angle)),
  };
}

function joinPairs({ part, turnReal, turnImaginary }: Stage, real: Float64Array, imaginary: Float64Array): void {
  for (let from = 0; from < real.length; from += 2 * part) {
    for (let index = 0; index < part; index++) {
      const low = from + index;
      const high = low + part;
      const cosine = turnReal[index] ?? 0;
      const sine = turnImaginary[index] ?? 0;
      const a = real[high] ?? 0;
      const b = imaginary[high] ?? 0;
      const c = real[low] ?? 0;
      const d = imaginary[low] ?? 0;
      const turnedReal = a * cosine - b * sine;
      const turnedImaginary = a * sine + b * cosine;
      real[low] = c + turnedReal;
      imaginary[low] = d + turnedImaginary;
      real[high] = c - turnedReal;
      imaginary[high] = d - turnedImaginary;
    }
  }
}

function join(
  { radix, part, turnReal, turnImaginary, matrixReal, matrixImaginary }: Stage,
  real: Float64Array,
  imaginary: Float64Array,
  branchReal: Float64Array,
  branchImaginary: Float64Array,
): void {
  for (let from = 0; from < real.length; from += radix * part) {
    for (let index = 0; index < part; index++) {
      branchReal[0] = real[from + index] ?? 0;
      branchImaginary[0] = imaginary[from + index] ?? 0;
      for (let branch = 1; branch < radix; branch++) {
        const turn = index * (radix - 1) + branch - 1;
        const cosine = turnReal[turn] ?? 0;
        const sine = turnImaginary[turn] ?? 0;
        const place = from + branch * part + index;
        const a = real[place] ?? 0;
        const b = imaginary[place] ?? 0;
        branchReal[branch] = a * cosine - b * sine;
        branchImaginary[branch] = a * sine + b * cosine;
      }
      for (let output = 0; output < radix; output++) {
        let sumReal = 0;
        let sumImaginary = 0;
        for (let branch = 0; branch < radix; branch++) {
          const place = output * radix + branch;
          const cosine = matrixReal[place] ?? 0;
          const sine = matrixImaginary[place] ?? 0;
          const a = branchReal[branch] ?? 0;
          const b = branchImaginary[branch] ?? 0;
          sumReal += a * cosine - b * sine;
          sumImaginary += a * sine + b * cosine;
        }
        real[from + output * part + index] = sumReal;
        imaginary[from + output * part + index] = sumImaginary;
      }
    }
  }
}

/** Where each number comes from: at every level the numbers of a stretch are dealt out to `radix` stretches in turn. */
function inputOrder(size: number, factors: readonly number[]): Int32Array {
  let stretches = [Array.from({ length: size }, (_, index) => index)];
  for (const radix of factors) {
    stretches = stretches.flatMap((stretch) =>
      Array.from({ length: radix }, (_, branch) => stretch.filter((_, place) => place % radix === branch)),
    );
  }
  return Int32Array.from(stretches.flat());
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
