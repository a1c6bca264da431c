/** A recording to imitate: short, whole, and at the rate at which voices are imitated. */
import type { DecoderPool } from "@parlance/audio";
import { REFERENCE_SAMPLE_RATE, REFERENCE_SECONDS, SpeechError, toSpeechError } from "@parlance/contracts";
import type { IntakeItem } from "../intake/intake-batch.ts";
import { type ItemAudioOptions, openItemAudio } from "../items/item-audio.ts";

export interface DecodeReferenceOptions extends ItemAudioOptions {
  decoder: DecoderPool;
  urgent: boolean;
  /** What the sender calls the recording, for errors. */
  name: string;
  signal: AbortSignal;
}

const { shortest, longest } = REFERENCE_SECONDS;

/** Longer than any reference: it comes in one piece. */
const limits = { maxSeconds: longest, segmentSeconds: longest + 1, sampleRate: REFERENCE_SAMPLE_RATE };

/**
 * [samples] mono at REFERENCE_SAMPLE_RATE. Throws `reference_too_short`, `reference_too_long` (as soon as it is that long, however
 * long it is) and whatever makes an audio unreadable, naming the field.
 */
export async function decodeReference(
  audio: IntakeItem["audio"],
  options: DecodeReferenceOptions,
): Promise<Int16Array> {
  const { decoder, urgent, name, signal } = options;
  let reference = new Int16Array();
  try {
    const source = await openItemAudio(audio, options);
    for await (const { samples, length } of decoder.decode({ source, urgent, signal, limits })) {
      reference = new Int16Array(samples.subarray(0, length));
    }
  } catch (error) {
    signal.throwIfAborted();
    const known = toSpeechError(error);
    if (known.retryable) throw error;
    if (known.code === "audio_too_long") {
      throw new SpeechError("reference_too_long", `${name}: the recording is longer than ${longest} s`, {
        param: name,
      });
    }
    throw new SpeechError(known.code, `${name}: ${known.message}`, { param: name, cause: error });
  }
  const seconds = reference.length / REFERENCE_SAMPLE_RATE;
  if (seconds >= shortest) return reference;
  const told = `${name}: the recording has ${seconds.toFixed(2)} s; at least ${shortest} s are needed`;
  throw new SpeechError("reference_too_short", told, { param: name });
}
