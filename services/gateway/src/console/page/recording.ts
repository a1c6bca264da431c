/** What the microphone heard, to be played again: as long as it fits. */
import { RATE } from "./microphone.ts";

/** 38 MB. What is longer is still transcribed, and no longer kept. */
const MOST_SECONDS = 20 * 60;
const HEADER_BYTES = 44;

export function createRecording(): { add(samples: Int16Array): void; wav(): Blob | undefined } {
  const frames: Int16Array<ArrayBuffer>[] = [];
  let samples = 0;
  return {
    add(frame) {
      samples += frame.length;
      if (samples <= MOST_SECONDS * RATE) frames.push(new Int16Array(frame));
    },
    wav: () =>
      samples === 0 || samples > MOST_SECONDS * RATE
        ? undefined
        : new Blob([header(samples), ...frames], { type: "audio/wav" }),
  };
}

function header(samples: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const text = (at: number, word: string) => {
    for (const [index, letter] of [...word].entries()) view.setUint8(at + index, letter.charCodeAt(0));
  };
  text(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + samples * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples * 2, true);
  return view.buffer;
}
