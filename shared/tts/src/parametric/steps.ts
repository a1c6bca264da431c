/**
 * From how long each symbol lasts to what the decoder is told of each step: which symbol sounds, and where in it the step
 * lies. Speed acts here and nowhere else, so pitch and timbre stay.
 */

/** Numbers that place a step in its symbol. */
export const POSITION = 4;

/** Nothing lasts longer (2 s at 5 ms and normal speed): what a broken duration may cost. */
const MOST_FRAMES = 400;

export interface Pace {
  speed: number;
  /** Frames of silence at most at either end; they do not change with the speed. */
  edgeFrames: number;
}

/** Whole frames of each symbol. What rounding takes from one symbol the next one gets; every symbol has one at least. */
export function wholeFrames(logFrames: Float32Array, { speed, edgeFrames }: Pace): Int32Array {
  const count = logFrames.length;
  const frames = new Int32Array(count);
  let exact = 0;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const own = Math.min(MOST_FRAMES, Math.exp(logFrames[i] ?? 0));
    // The first symbol is the silence before; the last two, a mark and the end, are the silence behind.
    if (i === 0) exact += Math.min(own, edgeFrames);
    else exact += i >= count - 2 ? Math.min(own, edgeFrames / 2) : own / speed;
    const next = Math.max(end + 1, Math.round(exact));
    frames[i] = next - end;
    end = next;
  }
  return frames;
}

export interface Steps {
  count: number;
  /** [count] */
  index: Int32Array;
  /** [count, POSITION]: the part of the symbol that has passed; frames since its start, to its end, and in all (tenths). */
  position: Float32Array;
}

export function stepsOf(frames: Int32Array, framesPerStep: number): Steps {
  const total = frames.reduce((sum, own) => sum + own, 0);
  const count = Math.ceil(total / framesPerStep);
  const index = new Int32Array(count);
  const position = new Float32Array(count * POSITION);
  let symbol = 0;
  let start = 0;
  for (let step = 0; step < count; step++) {
    const middle = (step + 0.5) * framesPerStep;
    while (symbol < frames.length - 1 && start + (frames[symbol] ?? 0) <= middle) {
      start += frames[symbol] ?? 0;
      symbol++;
    }
    const length = Math.max(1, frames[symbol] ?? 1);
    const since = middle - start;
    index[step] = symbol;
    position[step * POSITION] = since / length;
    position[step * POSITION + 1] = Math.min(4, since / 10);
    position[step * POSITION + 2] = Math.min(4, (length - since) / 10);
    position[step * POSITION + 3] = Math.min(6, length / 10);
  }
  return { count, index, position };
}
