/** A session's audio as it comes in events, as it goes on in frames. Pure. */

/** Of one frame: two seconds at 24 kHz. */
const FRAME_BYTES = 96_000;

export interface InputAudio {
  /** That went on. */
  readonly samples: number;
  /** Frames of whole samples; half a sample waits for its other half. */
  take(audio: Buffer, bytesPerSample: number): Uint8Array[];
  /** What follows belongs to no half. */
  cut(): void;
}

export function createInputAudio(): InputAudio {
  let samples = 0;
  let half: Buffer = Buffer.alloc(0);
  return {
    get samples() {
      return samples;
    },
    take(audio, bytesPerSample) {
      const whole = half.length === 0 ? audio : Buffer.concat([half, audio]);
      const length = whole.length - (whole.length % bytesPerSample);
      half = Buffer.from(whole.subarray(length));
      samples += length / bytesPerSample;
      const frames: Uint8Array[] = [];
      for (let at = 0; at < length; at += FRAME_BYTES) {
        frames.push(whole.subarray(at, Math.min(length, at + FRAME_BYTES)));
      }
      return frames;
    },
    cut() {
      half = Buffer.alloc(0);
    },
  };
}
