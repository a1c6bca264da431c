/**
 * How the audio encoder sees a clip: log-mel frames in windows of eight seconds, each a row of its own, because its
 * attention never leaves a window and its positions restart in every chunk of a second.
 */
import type { LogMel } from "../../features/log-mel.ts";

export const MELS = 128;
/** Frames that the convolutions see at once. */
export const CHUNK = 100;
const CHUNKS = 8;

export interface EncoderWindow {
  /** Frames of the window, its padding included: a multiple of CHUNK. */
  frames: number;
  /** Frames that the convolutions may see; a clip below one second is seen at its own width, as by the official code. */
  width: number;
  /** Tokens that come of it. */
  tokens: number;
  /** Writes [MELS, frames] at `offset`, zeros behind the clip's end. */
  fill(target: Float32Array, offset: number): void;
}

/** Tokens that come of so many log-mel frames: 13 for each full chunk, an eighth (each halving rounded up) of the rest. */
export function tokenCount(frames: number): number {
  let rest = frames % CHUNK;
  for (let halving = 0; halving < 3; halving++) rest = (rest + 1) >> 1;
  return Math.floor(frames / CHUNK) * 13 + rest;
}

export function cutWindows({ data, frames: all }: LogMel): EncoderWindow[] {
  const windows: EncoderWindow[] = [];
  for (let from = 0; from < all; from += CHUNK * CHUNKS) {
    const own = Math.min(all - from, CHUNK * CHUNKS);
    const frames = Math.ceil(own / CHUNK) * CHUNK;
    windows.push({
      frames,
      width: all < CHUNK ? all : frames,
      tokens: tokenCount(own),
      fill(target, offset) {
        for (let mel = 0; mel < MELS; mel++) {
          const row = offset + mel * frames;
          target.set(data.subarray(mel * all + from, mel * all + from + own), row);
          target.fill(0, row + own, row + frames);
        }
      },
    });
  }
  return windows;
}
