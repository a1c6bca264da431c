/** What an item of `voice_clone` imitates: the recording that came with it, or a voice that is stored. */
import type { KeyBucket } from "@parlance/bus";
import { SpeechError, type SpeechFieldNames, type StoredVoice } from "@parlance/contracts";
import type { IntakeItem } from "../intake/intake-batch.ts";
import type { SpeechWish } from "../intake/read-speech.ts";
import type { Reference } from "./reference.ts";
import { type TakeReferenceOptions, takeReference } from "./take-reference.ts";

export interface FindReferenceOptions extends Omit<TakeReferenceOptions, "name"> {
  voices: Pick<KeyBucket<StoredVoice>, "get">;
}

/** Throws `voice_not_found`, or what is wrong with the recording, naming the field. */
export async function findReference(
  { audio }: IntakeItem,
  { voice, referenceText, names }: SpeechWish,
  options: FindReferenceOptions,
): Promise<Reference> {
  if (voice !== undefined) return await findStored(voice, names, options.voices);
  const { id } = await takeReference(audio, { ...options, name: names.reference });
  return { id, text: referenceText, language: "auto" };
}

async function findStored(
  voice: string,
  names: SpeechFieldNames,
  voices: FindReferenceOptions["voices"],
): Promise<Reference> {
  const entry = await voices.get(voice);
  if (entry === undefined) {
    throw new SpeechError("voice_not_found", `${names.voice}: no voice with the id ${voice} is stored`, {
      param: names.voice,
    });
  }
  const { reference: id, referenceText: text, language } = entry.value;
  return { id, text, language };
}
