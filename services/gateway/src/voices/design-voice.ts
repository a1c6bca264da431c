/**
 * A voice that is only described: the model says one text with it, once, and that recording is the voice from then on. The caller waits for
 * it as for speech.
 */
import {
  type Language,
  oneLine,
  SpeechError,
  type SpeechFieldNames,
  type StoredVoice,
  seedOf,
  voiceExists,
  voiceIdOf,
} from "@parlance/contracts";
import { withoutControlTokens } from "@parlance/tts/text";
import type { Context } from "koa";
import { acceptBatch } from "../batch/accept-batch.ts";
import { listenForDone } from "../batch/done-events.ts";
import { requireDone, withFollowedBatch } from "../batch/interactive.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { requireSpeakable } from "../models/speech-models.ts";
import { sampleText } from "./sample-texts.ts";
import type { VoiceRequest } from "./voice-requests.ts";

export interface VoiceDesign
  extends Pick<VoiceRequest, "name" | "design_text" | "seed" | "language" | "x_vector_only_mode"> {
  design: string;
}

export interface DesignedVoice {
  /** What was said: as the file of any spoken item it goes when its time is over. */
  fileId: string;
  text: string;
  seed: number;
}

const ITEM_ID = "0";

const names: SpeechFieldNames = {
  ...{ text: "design_text", voice: "voice", instructions: "design", reference: "ref_audio" },
  ...{ referenceText: "ref_text", format: "format", operation: "design", language: "language" },
};

/**
 * The voice of that name, where it was designed so before: whoever heard no answer asks again. Undefined while the name is free. Throws
 * `voice_exists`.
 */
export async function findDesigned(
  { name, design, language, seed, x_vector_only_mode, design_text }: VoiceDesign,
  { voices }: Pick<GatewayContext, "voices">,
): Promise<StoredVoice | undefined> {
  const found = (await voices.get(voiceIdOf(name)))?.value;
  if (found === undefined) return undefined;
  const words = x_vector_only_mode ? "" : oneLine(withoutControlTokens(textOf(language, design_text)));
  const isSame = found.design === design && found.language === language && found.referenceText === words;
  if (isSame && (seed === undefined || found.seed === seed)) return found;
  throw voiceExists(found.name);
}

/** Throws what keeps it from being spoken, naming the field. */
export async function designVoice(
  ctx: Context,
  gateway: GatewayContext,
  { design: instructions, language, seed: wished, design_text }: VoiceDesign,
): Promise<DesignedVoice> {
  const { bus, notebook, settings, speech, now } = gateway;
  const text = textOf(language, design_text);
  const operation = "voice_design" as const;
  const nothing = { voice: undefined, hasReference: false, referenceText: "", xVectorOnly: false };
  requireSpeakable({ ...nothing, operation, text, instructions, language }, await speech.workers(), names);
  return await withFollowedBatch(
    ctx,
    gateway,
    operation,
    (batchId) => listenForDone(bus, batchId),
    async ({ batchId, events, follow }) => {
      const seed = wished ?? seedOf(batchId, ITEM_ID);
      const item = { itemId: ITEM_ID, operation, text, instructions, language, seed, format: "wav" as const };
      const submission = { label: "", lane: "interactive" as const, items: [item] };
      const done = await follow(
        () => acceptBatch({ bus, notebook }, batchId, submission, now()),
        1,
        (gone) => events.wait(1, settings.REQUEST_TIMEOUT * 1_000, gone),
      );
      const { audio } = requireDone(done.get(ITEM_ID));
      if (audio === undefined) throw new SpeechError("internal", "A text that is spoken has no sound.");
      return { fileId: audio.file, text, seed };
    },
  );
}

function textOf(language: Language, text: string | undefined): string {
  return text ?? sampleText(language);
}
