/** A clip to transcribe or a text to speak, and what comes of it in a run without faults. */
import type { Clip } from "../src/clips.ts";
import type { SpokenOperation } from "../src/rest-client.ts";

export type Work =
  | { kind: "clip"; name: string; type: string; bytes: Uint8Array; transcript: string }
  | { kind: "text"; operation: SpokenOperation; voice: string | undefined; text: string; sound: Int16Array };

export interface Asked {
  operation: SpokenOperation;
  /** A stored one, by its id. */
  voice?: string;
  text: string;
}

export const workOf = {
  clip: ({ name, type, bytes }: Clip, transcript: string): Work => ({ kind: "clip", name, type, bytes, transcript }),
  /** @param wav what was spoken */
  text: ({ operation, voice, text }: Asked, wav: Uint8Array): Work => ({
    ...{ kind: "text", operation, voice, text },
    sound: samplesOf(wav),
  }),
};

const WAV_HEADER = 44;

/** The samples of a WAV as the pipeline writes it: a header of 44 bytes, then PCM16. */
export function samplesOf(wav: Uint8Array): Int16Array {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  return Int16Array.from({ length: Math.floor((wav.byteLength - WAV_HEADER) / 2) }, (_, index) =>
    view.getInt16(WAV_HEADER + 2 * index, true),
  );
}

/** Energy of the difference at least 60 dB below the sound's: matrix products of another pass size round differently. */
const LARGEST_DIFFERENCE = 1e-6;

export function soundsAlike(sound: Int16Array, expected: Int16Array): boolean {
  if (sound.length !== expected.length || expected.length === 0) return false;
  let energy = 0;
  let difference = 0;
  for (const [index, sample] of expected.entries()) {
    energy += sample * sample;
    difference += (sample - (sound[index] ?? 0)) ** 2;
  }
  return difference <= LARGEST_DIFFERENCE * energy;
}
