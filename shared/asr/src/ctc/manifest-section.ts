/** The `ctc` section of a manifest: what the graph takes and gives, its labels, and how to decode them. */
import * as z from "zod";

const phoneList = z
  .array(z.string())
  .min(3)
  .max(512)
  .refine((labels) => labels[0] === "" && labels[1] === "|", 'must begin with "" (blank) and "|" (word separator)');
const characterList = z
  .array(z.string())
  .min(3)
  .max(8192)
  .refine((labels) => labels[0] === "" && labels[1] === " ", 'must begin with "" (blank) and " " (space)');

const tensorName = z.string().min(1);
const outputNames = {
  /** int64 [batch]: frames of each row. */
  frames: tensorName,
  /** float32 [batch, frames, phones] log-probabilities. */
  phones: tensorName.optional(),
  /** float32 [batch, frames, characters] log-probabilities. */
  characters: tensorName.optional(),
};

const common = {
  /** Seconds from one output frame to the next. */
  frameSeconds: z.number().positive(),
  phones: phoneList.optional(),
  characters: characterList.optional(),
  /** Rows of one run on the CPU; default: the whole pass. */
  rowsPerCpuRun: z.number().int().min(1).optional(),
  decoding: z
    .object({
      beamSize: z.number().int().min(1).max(256).default(24),
      languageModelWeight: z.number().nonnegative().default(0.5),
      wordBonus: z.number().default(1),
      /** Added to the score of each hotword of six letters and more, in natural log; shorter ones get their share. */
      hotwordBonus: z.number().nonnegative().default(4),
      /** How much worse than free phones a word must fit before the character head may spell another one; 0: never. */
      openVocabulary: z.number().nonnegative().default(1),
    })
    .prefault({}),
};

const sectionSchema = z.discriminatedUnion("input", [
  z.object({
    ...common,
    /** The mel front-end is inside the graph. */
    input: z.literal("waveform"),
    tensors: z.object({
      ...outputNames,
      /** float32 [batch, samples], in [-1, 1), zero behind each row's end. */
      audio: tensorName,
      /** int64 [batch]: samples of each row. */
      lengths: tensorName,
    }),
  }),
  z.object({
    ...common,
    input: z.literal("log-mel"),
    tensors: z.object({
      ...outputNames,
      /** float32 [batch, mels, frames] log-mel, zero behind each row's end. */
      features: tensorName,
      /** int64 [batch]: feature frames of each row. */
      lengths: tensorName,
    }),
    mels: z.union([z.literal(80), z.literal(128)]),
  }),
]);

export const ctcSectionSchema = sectionSchema.superRefine((section, context) => {
  for (const head of ["phones", "characters"] as const) {
    if ((section[head] === undefined) === (section.tensors[head] === undefined)) continue;
    context.addIssue({ code: "custom", path: [head], message: `needs both its labels and tensors.${head}` });
  }
  if (section.phones === undefined && section.characters === undefined) {
    context.addIssue({ code: "custom", path: ["phones"], message: "the model needs a phone head or a character head" });
  }
});

export type CtcSection = z.infer<typeof ctcSectionSchema>;
