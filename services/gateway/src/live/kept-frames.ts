/**
 * Frames that may have to be sent again: those behind what is final. Positions make sending them twice harmless. Pure.
 *
 * It holds as many seconds as two of the longest utterances have. What is older than that and not final yet is in the stream LIVE.
 */
import type { LiveSign } from "@parlance/contracts";

export interface KeptFrame {
  /** In samples at the session's own rate, as everywhere here. */
  position: number;
  samples: number;
  bytes: Uint8Array;
  sign?: LiveSign;
}

export interface KeptFrames {
  add(frame: KeptFrame): void;
  /** What ends there or before is not needed again. */
  finalUpTo(position: number): void;
  /** Those that end behind `position`, and what was said there without audio; oldest first. */
  from(position: number): KeptFrame[];
  readonly samples: number;
}

export function createKeptFrames(mostSamples: number): KeptFrames {
  let frames: KeptFrame[] = [];
  let samples = 0;
  const endOf = (frame: KeptFrame) => frame.position + frame.samples;

  function forget(count: number): void {
    for (const frame of frames.slice(0, count)) samples -= frame.samples;
    frames = frames.slice(count);
  }

  return {
    add(frame) {
      frames.push(frame);
      samples += frame.samples;
      let over = samples - mostSamples;
      let count = 0;
      while (over > 0 && count < frames.length) {
        over -= frames[count]?.samples ?? 0;
        count += 1;
      }
      if (count > 0) forget(count);
    },
    finalUpTo(position) {
      const first = frames.findIndex((frame) => endOf(frame) > position);
      forget(first === -1 ? frames.length : first);
    },
    from: (position) =>
      frames.filter((frame) => endOf(frame) > position || (frame.samples === 0 && frame.position === position)),
    get samples() {
      return samples;
    },
  };
}
