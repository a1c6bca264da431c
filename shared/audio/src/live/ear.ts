/**
 * One session as its process hears it: what was decoded becomes windows, each of them a row or two of a run.
 *
 * A block's memory begins 32 windows before the block (hearing-blocks.ts): there two memories hear the same window, and at the block's
 * beginning the younger one takes over.
 */
import { BEFORE_BLOCK, BLOCK, WINDOW } from "./hearing-blocks.ts";
import { freshMemory, type HearingMemory, type HearingRow } from "./voice-activity.ts";

export interface Ear {
  /** Takes what was decoded, and answers what of it is the session's: nothing before its start. */
  take(samples: Int16Array): Int16Array;
  /** Windows that are complete and not heard yet. */
  readonly waiting: number;
  /** The next window's rows, the first one being the one that counts. Undefined while no window is complete. */
  next(): HearingRow[] | undefined;
  /** `probability`: of the first row. Answers it when the window counts. */
  heard(probability: number): number | undefined;
}

const WINDOWS_OF_BLOCK = BLOCK / WINDOW;
const YOUNGER_BEGINS = (BLOCK - BEFORE_BLOCK) / WINDOW;

/**
 * @param start of the session's samples, at 16 kHz: a block's beginning.
 * @param decoderStart where the first decoded sample lies.
 */
export function createEar(start: number, decoderStart: number): Ear {
  const hearsFrom = Math.max(0, start - BEFORE_BLOCK);
  let position = decoderStart;
  let index = hearsFrom / WINDOW;
  let partial = new Float32Array(WINDOW);
  let filled = 0;
  const windows: Float32Array[] = [];
  let memory: HearingMemory | undefined;
  let younger: HearingMemory | undefined;

  function cut(samples: Int16Array): void {
    for (const sample of samples) {
      partial[filled] = sample / 32_768;
      filled += 1;
      if (filled < WINDOW) continue;
      windows.push(partial);
      partial = new Float32Array(WINDOW);
      filled = 0;
    }
  }

  function changeMemories(): void {
    const inBlock = index % WINDOWS_OF_BLOCK;
    if (inBlock === 0) [memory, younger] = [younger ?? freshMemory(), undefined];
    if (inBlock === YOUNGER_BEGINS) younger = freshMemory();
  }
  changeMemories();

  return {
    take(samples) {
      const from = position;
      position += samples.length;
      cut(samples.subarray(Math.max(0, hearsFrom - from)));
      return samples.subarray(Math.max(0, start - from));
    },
    get waiting() {
      return windows.length;
    },
    next() {
      const [window] = windows;
      if (window === undefined) return undefined;
      return [memory, younger].flatMap((one) => (one === undefined ? [] : { memory: one, window }));
    },
    heard(probability) {
      windows.shift();
      index += 1;
      changeMemories();
      return index * WINDOW > start ? probability : undefined;
    },
  };
}
