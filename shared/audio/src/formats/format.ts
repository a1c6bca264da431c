/**
 * What a format's decoder is: encoded bytes in, stretches of mono audio out, no more of either held than a window.
 *
 * sniff.ts tells formats by their content. WAV is decoded by own code (wav.ts); every other format has a file that wraps a library.
 */
import type { Pcm } from "../samples/pcm.ts";
import type { ByteReader } from "./byte-reader.ts";

export interface DecodeContext {
  /**
   * Tells how long the container says that the audio is, before any of it is decoded. Throws `audio_too_long` at once
   * when that is too long. Less is `audio_truncated`, when it is less by more than `tolerance` seconds (default 0.5).
   */
  declare(seconds: number, tolerance?: number): void;
}

/** Throws SpeechErrors for what is wrong with the audio; any other error counts as `audio_corrupt`. */
export type Decode = (reader: ByteReader, context: DecodeContext) => AsyncGenerator<Pcm, void>;
