/**
 * One body for both doors: what `POST /api/v1/queue/submit` takes is what a JSON message on intake holds. Here its items get the names
 * in which they travel. Pure.
 */
import { contextOf, type QueueItem } from "../rest/rest.ts";
import { requireFormat, type SpeechFieldNames } from "../rest/speech.ts";
import { isStoredVoice } from "../voices/stored-voices.ts";
import { familyOf, type Operation } from "../words/words.ts";
import type { Submission } from "./payloads.ts";

export type NewItem = Omit<Submission["items"][number], "itemId">;

/** Throws `format_unsupported`, naming the field as `names` has it. */
export function toNewItem(item: QueueItem, names: SpeechFieldNames): NewItem {
  const { custom_id, ref_audio, language } = item;
  const voice = item.voice ?? item.speaker;
  const operation = operationWith(item.operation, voice);
  const common = {
    ...(custom_id === undefined ? {} : { customId: custom_id }),
    operation,
    ...(ref_audio === undefined ? {} : { file: ref_audio }),
    language,
  };
  if (familyOf[operation] === "asr") {
    const { return_timestamps: timestamps, hotwords, phrases, translate, temperature } = item;
    return { ...common, timestamps, hotwords, phrases, context: contextOf(item), translate, temperature };
  }
  const { text, ref_text: referenceText, x_vector_only_mode: xVectorOnly, seed, speed } = item;
  const instructions = item.instructions ?? item.instruct ?? "";
  const format = requireFormat(item.response_format, names.format);
  const sampled = seed === undefined ? {} : { seed };
  return { ...common, text, voice, instructions, referenceText, xVectorOnly, ...sampled, speed, format };
}

/** A voice that stays is asked for as any other; it is spoken with by cloning it. */
export function operationWith(operation: Operation, voice: string | undefined): Operation {
  return operation === "custom_voice" && isStoredVoice(voice) ? "voice_clone" : operation;
}
