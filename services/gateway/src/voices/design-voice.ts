/**
 * A voice that is only described: the model says one text with it, once, and that recording is the voice from then on. The caller waits for
 * it as for speech.
 */
import { encodeAudio } from "@parlance/audio/encode";
import { type Language, type SpeechFieldNames, seedOf, timedId } from "@parlance/contracts";
import type { Context } from "koa";
import { acceptBatch } from "../batch/accept-batch.ts";
import { withFollowedBatch } from "../batch/interactive.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { requireSpeakable } from "../models/speech-models.ts";
import { listenForSpoken } from "../speech/spoken-segments.ts";
import { sampleText } from "./sample-texts.ts";
import type { VoiceRequest } from "./voice-requests.ts";

export interface DesignedVoice {
  /** An upload, for whoever takes it to delete. */
  fileId: string;
  text: string;
  seed: number;
}

const ITEM_ID = "0";

const names: SpeechFieldNames = {
  ...{ text: "design_text", voice: "voice", instructions: "design", reference: "ref_audio" },
  ...{ referenceText: "ref_text", format: "format", operation: "design", language: "language" },
};

/** Throws what keeps it from being spoken, naming the field. */
export async function designVoice(
  ctx: Context,
  gateway: GatewayContext,
  request: Pick<VoiceRequest, "design_text" | "seed"> & { design: string; language: Language },
): Promise<DesignedVoice> {
  const { bus, files, notebook, settings, speech, now } = gateway;
  const { design: instructions, language, design_text: text = sampleText(language) } = request;
  const operation = "voice_design" as const;
  const nothing = { voice: undefined, hasReference: false, referenceText: "", xVectorOnly: false };
  requireSpeakable({ ...nothing, operation, text, instructions, language }, await speech.workers(), names);
  return await withFollowedBatch(
    ctx,
    gateway,
    operation,
    (batchId) => listenForSpoken({ bus, files }, batchId, ITEM_ID),
    async ({ batchId, events, follow }) => {
      const seed = request.seed ?? seedOf(batchId, ITEM_ID);
      const item = { itemId: ITEM_ID, operation, text, instructions, language, seed, format: "wav" as const };
      const submission = { label: "", lane: "interactive" as const, items: [item] };
      return await follow(
        () => acceptBatch({ bus, notebook }, batchId, submission, now()),
        1,
        async (gone) => {
          const sound = events.inOrder(settings.REQUEST_TIMEOUT * 1_000, gone);
          return { fileId: await store(sound, gateway), text, seed };
        },
      );
    },
  );
}

/** As an upload, so that it is heard and kept as every recording is. */
async function store(
  sound: ReturnType<ReturnType<typeof listenForSpoken>["inOrder"]>,
  { files, now, settings }: GatewayContext,
): Promise<string> {
  const id = timedId(now());
  await files.put(
    { id, contentType: "audio/wav", filename: "design.wav", maxBytes: settings.MAX_UPLOAD_BYTES },
    (async function* () {
      let encoder: Awaited<ReturnType<typeof encodeAudio>> | undefined;
      for await (const { sampleRate, samples } of sound) {
        encoder ??= await encodeAudio("wav", { sampleRate });
        yield encoder.push(samples);
      }
      if (encoder !== undefined) yield encoder.end();
    })(),
  );
  return id;
}
