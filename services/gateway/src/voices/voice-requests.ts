/** What a caller of POST /v1/audio/voices may send: a recording, uploaded before or with it, or a description. */
import { addVoiceSchema } from "@parlance/contracts";
import * as z from "zod";
import { formFlag } from "../http/form-flag.ts";

/** About as much as is said in a minute, which is the longest recording that is kept. */
const MAX_DESIGN_TEXT = 600;

const { ref_audio, ...common } = addVoiceSchema.shape;

/** Without a file. */
export const voiceRequestSchema = z
  .object({
    ...common,
    ref_audio: ref_audio.optional().describe("The file_id of an upload: 0.5 to 60 s of speech"),
    design: common.design.describe("A description to make the voice from, in place of a recording"),
    design_text: z
      .string()
      .trim()
      .min(1)
      .max(MAX_DESIGN_TEXT)
      .optional()
      .describe("What a designed voice says in its recording, some ten seconds; default: a sentence in its language"),
  })
  .superRefine(({ ref_audio: file, design, design_text }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
    if (file === undefined && design === undefined) {
      refuse("ref_audio", "is required, or design, or a form with audio_sample: what the voice is made of");
    }
    if (file !== undefined && design !== undefined) refuse("design", "is one way, and ref_audio another: send one");
    if (design === undefined && design_text !== undefined) refuse("design_text", "is only for a design");
  });
export type VoiceRequest = z.output<typeof voiceRequestSchema>;

const { name, ref_text, language, consent } = common;

/** The fields of a form beside `audio_sample`. */
export const voiceFormSchema = z.object({
  name,
  ref_text,
  language,
  consent,
  x_vector_only_mode: formFlag.default(false).describe("Imitate the sound alone, without ref_text"),
});
