/**
 * One body for both doors: what `POST /api/v1/queue/submit` takes is what a JSON message on intake holds. Here its items get the names
 * in which they travel. Pure.
 */
import { contextOf, type QueueItem } from "../rest/rest.ts";
import { requireFormat, type SpeechFieldNames } from "../rest/speech.ts";
import { familyOf } from "../words/words.ts";
import type { Submission } from "./payloads.ts";

export type NewItem = Omit<Submission["items"][number], "itemId">;

/** Throws `format_unsupported`, naming the field as `names` has it. */
export function toNewItem(item: QueueItem, names: SpeechFieldNames): NewItem {
  const { operation, custom_id, ref_audio, language } = item;
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
  const { text, ref_text: referenceText, x_vector_only_mode: xVectorOnly, speed } = item;
  const voice = item.voice ?? item.speaker;
  const instructions = item.instructions ?? item.instruct ?? "";
  const format = requireFormat(item.response_format, names.format);
  return { ...common, text, voice, instructions, referenceText, xVectorOnly, speed, format };
}
