/**
 * Voices that stay: a name for a reference, with what is said in it. Anybody may speak with one by its id, as with a model's own voice.
 * Their records are keys of the bucket `voices`; both lie outside of FILE_TTL.
 *
 * A voice that is designed is made once, from its description, and is a reference from then on: it is the same tomorrow.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { SpeechError } from "../errors/errors.ts";
import type { EntryKind } from "../messages/entries.ts";
import { MAX_INSTRUCTIONS, MAX_REFERENCE_TEXT } from "../messages/headers.ts";
import { buckets } from "../messages/subjects.ts";
import { customIdSchema, fileIdSchema, tokenSchema } from "../words/identifiers.ts";
import { languageSchema } from "../words/languages.ts";
import { seedSchema } from "../words/seeds.ts";
import { referenceIdSchema } from "./references.ts";

const PREFIX = "voice_";

/** `voice_` and half of a checksum of its name: no two voices have one name. */
export const voiceIdSchema = z.string().regex(/^voice_[0-9a-f]{32}$/, "is not the id of a stored voice");

/** Capitals, blanks at the ends and compatibility forms make no other name. */
export function voiceIdOf(name: string): string {
  const plain = name.normalize("NFKC").trim().replaceAll(/\s+/g, " ").toLowerCase();
  return PREFIX + createHash("sha256").update(plain).digest("hex").slice(0, 32);
}

/** Whether a voice is one that stays, by its id alone: a model's own voices have other ones. */
export function isStoredVoice(voice: string | undefined): voice is string {
  return voiceIdSchema.safeParse(voice).success;
}

/** What is told of a name that another voice has, as that one is called. */
export function voiceExists(name: string): SpeechError {
  const message = `name: a voice is called ${JSON.stringify(name)} already: delete it first, or choose another name`;
  return new SpeechError("voice_exists", message, { param: "name" });
}

export const voiceNameSchema = customIdSchema.max(64).refine((name) => name.trim() !== "", "must not be blank");

/** Why its voice may be imitated: who agreed and when, or the id of a record of that. */
export const consentSchema = z.string().trim().min(1).max(1_024);

export const storedVoiceSchema = z.object({
  id: voiceIdSchema,
  name: voiceNameSchema,
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  /** The publisher that made it; absent: the gateway. */
  source: tokenSchema.optional(),
  reference: referenceIdSchema,
  /** Of the reference. */
  seconds: z.number().positive(),
  /** What is said in the reference; empty: its sound alone is imitated. */
  referenceText: z.string().max(MAX_REFERENCE_TEXT),
  /** What is spoken in it; `auto` where nobody said. */
  language: languageSchema,
  consent: consentSchema.optional(),
  /** The description that it was made from. */
  design: z.string().max(MAX_INSTRUCTIONS).optional(),
  /** The seed that it was made by. */
  seed: seedSchema.optional(),
});
export type StoredVoice = z.infer<typeof storedVoiceSchema>;

/** Of the `voices` bucket, by their ids. */
export const voiceEntries: EntryKind<StoredVoice> = {
  bucket: buckets.voices,
  prefix: "",
  schema: storedVoiceSchema,
};

/** The payload of `speech.voice.add`: a voice of a recording that was uploaded. Its answer is `voiceAnswerSchema`. */
export const addVoiceSchema = z.object({
  name: voiceNameSchema.describe("Up to 64 characters; no two voices have the same"),
  ref_audio: fileIdSchema.describe("The file_id of an upload: 0.5 to 60 s of speech"),
  ref_text: z
    .string()
    .max(MAX_REFERENCE_TEXT)
    .default("")
    .describe("What is said in it; required unless x_vector_only_mode"),
  x_vector_only_mode: z.boolean().default(false).describe("Imitate the sound alone, without ref_text"),
  language: languageSchema
    .default("auto")
    .describe(
      "What is spoken in it: a language by name or ISO code, or auto. The voice speaks it where a request names none",
    ),
  consent: consentSchema
    .optional()
    .describe(
      "Why it may be imitated: who agreed and when, or the id of a record of that. Required unless it is a design",
    ),
  design: z
    .string()
    .trim()
    .min(1)
    .max(MAX_INSTRUCTIONS)
    .optional()
    .describe("The description that the recording was made from, where it is nobody's voice"),
  seed: seedSchema.optional().describe("The seed that it was made by"),
});
export type AddVoice = z.infer<typeof addVoiceSchema>;

/** A stored voice as its users see it. */
export const voiceAnswerSchema = z.object({
  object: z.literal("audio.voice"),
  id: voiceIdSchema.describe("To be asked for as `voice`"),
  name: z.string(),
  created_at: z.number().describe("Seconds since the epoch"),
  seconds: z.number().describe("Of the recording"),
  language: z.string(),
  x_vector_only_mode: z.boolean(),
  consent: z.string().optional(),
  design: z.string().optional(),
  seed: z.number().optional(),
});
export type VoiceAnswer = z.infer<typeof voiceAnswerSchema>;

export function toVoiceAnswer(voice: StoredVoice): VoiceAnswer {
  const { id, name, createdAt, seconds, language, referenceText, consent, design, seed } = voice;
  return {
    object: "audio.voice",
    id,
    name,
    created_at: Math.floor(createdAt / 1_000),
    seconds,
    language,
    x_vector_only_mode: referenceText === "",
    ...(consent === undefined ? {} : { consent }),
    ...(design === undefined ? {} : { design }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** The answer to `speech.voice.list`. */
export const voiceListSchema = z.object({ voices: z.array(voiceAnswerSchema) });

/** The answer to `speech.voice.delete.<id>`, as OpenAI has it. */
export const voiceDeletedSchema = z.object({
  object: z.literal("audio.voice.deleted"),
  id: voiceIdSchema,
  deleted: z.literal(true),
});
