/** JSON payloads that travel on the bus. */
import * as z from "zod";
import { failureSchema } from "../errors/errors.ts";
import { batchIdSchema, customIdSchema, fileIdSchema, itemIdSchema, tokenSchema } from "../words/identifiers.ts";
import { languageSchema } from "../words/languages.ts";
import { seedSchema } from "../words/seeds.ts";
import { itemOutcomes, type Lane, laneSchema, operationSchema, speechFormatSchema } from "../words/words.ts";
import { MAX_CONTEXT, MAX_INSTRUCTIONS, MAX_REFERENCE_TEXT, SPEEDS } from "./headers.ts";

export const MAX_ITEMS = 1_000;

/** One item of a submission as the gateway writes it on INTAKE. Everybody else writes REST's body. */
export const submittedItemSchema = z.object({
  itemId: itemIdSchema,
  customId: customIdSchema.optional(),
  operation: operationSchema.default("transcribe"),
  /** The id of an uploaded file (or of an object in the `files` bucket): what to transcribe, or the voice to clone. */
  file: fileIdSchema.optional(),
  /** What to speak, at most MAX_TEXT_CHARACTERS. */
  text: z.string().default(""),
  voice: tokenSchema.optional(),
  instructions: z.string().max(MAX_INSTRUCTIONS).default(""),
  /** What is said in the recording to clone. */
  referenceText: z.string().max(MAX_REFERENCE_TEXT).default(""),
  /** Clone the sound alone, without the reference's text. */
  xVectorOnly: z.boolean().default(false),
  /** Absent: one is chosen. */
  seed: seedSchema.optional(),
  speed: z.number().min(SPEEDS.slowest).max(SPEEDS.fastest).default(1),
  format: speechFormatSchema.default("wav"),
  language: languageSchema.default("auto"),
  timestamps: z.boolean().default(false),
  hotwords: z.array(z.string().max(256)).max(1_000).default([]),
  phrases: z.array(z.string().max(256)).max(1_000).default([]),
  /** What the speech may be about, for each of the item's segments; models that take no such text ignore it. */
  context: z.string().max(MAX_CONTEXT).default(""),
  translate: z.boolean().default(false),
  temperature: z.number().min(0).max(1).default(0),
  logprobs: z.boolean().default(false),
  /** Whether what there is of its segments is told before they end: text, or sound. */
  parts: z.boolean().default(false),
});
export type SubmittedItem = z.infer<typeof submittedItemSchema>;

/** The gateway's submission: JSON on `speech.intake.rest.<batchId>` with `Content-Type: application/json`. */
export const submissionSchema = z.object({
  batchId: batchIdSchema.optional(),
  label: z.string().max(256).default(""),
  lane: laneSchema.default("batch"),
  items: z.array(submittedItemSchema).min(1).max(MAX_ITEMS),
});
/** As it is written: most of what an item leaves out has its default. */
export interface Submission {
  batchId?: string;
  label: string;
  lane: Lane;
  items: (z.input<typeof submittedItemSchema> & Pick<SubmittedItem, "operation">)[];
}

/** A word with its times in seconds from the beginning of its item (in a segment's result: of its segment). */
export const wordSchema = z.object({
  start: z.number(),
  end: z.number(),
  text: z.string(),
  /** Its probability, 0 to 1; absent where the model does not tell one. */
  confidence: z.number().min(0).max(1).optional(),
});
export type Word = z.infer<typeof wordSchema>;

/** A token with its log-probability, natural log. */
export const tokenScoreSchema = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.number()) });
export type TokenScore = z.infer<typeof tokenScoreSchema>;

/** A stretch of a text as the model, or its pauses, tell it apart: with its times in seconds, as a word's. */
export const textStretchSchema = z.object({
  start: z.number(),
  end: z.number(),
  text: z.string(),
  /** Of the model's vocabulary; empty where it has none that could be told. */
  tokens: z.array(z.number()),
  /** At which the text was found. */
  temperature: z.number(),
  /** Mean per token, natural log. */
  avg_logprob: z.number(),
  /** How many times longer the text is than its deflated form. */
  compression_ratio: z.number(),
  /** 0 where the model does not tell it. */
  no_speech_prob: z.number(),
});
export type TextStretch = z.infer<typeof textStretchSchema>;

const segmentCommon = {
  /** Absent in messages of the time when there was no other. */
  operation: operationSchema.default("transcribe"),
  /** True when this is the item's last segment. */
  last: z.boolean(),
  customId: z.string().optional(),
  submittedAt: z.number(),
  timestamps: z.boolean().default(false),
  /** Milliseconds since the epoch at which the pass began and ended; absent when no pass was run. */
  startedAt: z.number().optional(),
  finishedAt: z.number(),
  /** What the item's sender is to be told, on its first segment. */
  warnings: z.array(z.string()).optional(),
  /** Who it comes from, and how often its job was handed out by then; absent in messages of an older version. */
  worker: z.string().optional(),
  attempt: z.number().int().positive().optional(),
};

/** What came of one segment: the payload on `speech.result.<batchId>.<itemId>.<n>`. */
export const segmentResultSchema = z.discriminatedUnion("outcome", [
  z.object({
    ...segmentCommon,
    outcome: z.literal("ok"),
    text: z.string(),
    /** English name as in the language list; empty when the model could not tell. */
    language: z.string(),
    words: z.array(wordSchema).default([]),
    /** Empty from a worker of an older version, and where nothing was said. */
    stretches: z.array(textStretchSchema).default([]),
    /** Of the whole text, where they were asked for and the model has them. */
    tokens: z.array(tokenScoreSchema).optional(),
    /** Seconds: where the segment begins in its item, and how long it is. */
    start: z.number(),
    duration: z.number(),
    /** Mean log-probability per decoded token, natural log; null when nothing was said. */
    score: z.number().nullable(),
    /** True when the model stopped at its token budget: the text is not whole. */
    truncated: z.boolean().default(false),
    model: z.string(),
    passSize: z.number(),
  }),
  z.object({
    ...segmentCommon,
    outcome: z.literal("spoken"),
    /** The object of the `files` bucket that holds the sound: mono PCM16, stored before this message. */
    audio: fileIdSchema,
    sampleRate: z.number().int().positive(),
    /** How many samples the object holds. */
    samples: z.number().int().nonnegative(),
    /** Silence after this segment. */
    pauseMs: z.number().int().nonnegative(),
    /** What the item's file is to be. */
    format: speechFormatSchema,
    /** What its chances were drawn from; absent where the job had none. */
    seed: seedSchema.optional(),
    truncated: z.boolean().default(false),
    model: z.string(),
    passSize: z.number(),
  }),
  z.object({
    ...segmentCommon,
    outcome: z.literal("failed"),
    error: failureSchema,
  }),
]);
export type SegmentResult = z.infer<typeof segmentResultSchema>;

/** A transcript's stretch: its number, and where its segment of the audio begins, in hundredths of a second. */
export const transcriptSegmentSchema = z.object({ id: z.number(), seek: z.number(), ...textStretchSchema.shape });
export type TranscriptSegment = z.infer<typeof transcriptSegmentSchema>;

/** A transcript file, as GET /api/v1/files/{id} serves it. `timestamps` is absent unless it was asked for. */
export const transcriptSchema = z.object({
  text: z.string(),
  language: z.string(),
  timestamps: z.array(wordSchema).optional(),
  /** Absent from transcripts of an older version. */
  segments: z.array(transcriptSegmentSchema).optional(),
  /** Where they were asked for and the model has them. */
  logprobs: z.array(tokenScoreSchema).optional(),
  /** What was asked for and could not be had. */
  warnings: z.array(z.string()).optional(),
});
export type Transcript = z.infer<typeof transcriptSchema>;

/** The one terminal event of an item: the payload on `speech.done.<batchId>.<itemId>`. */
export const itemDoneSchema = z.object({
  batchId: batchIdSchema,
  itemId: itemIdSchema,
  customId: z.string().optional(),
  operation: operationSchema,
  status: z.enum(itemOutcomes),
  /** The transcript, inline while it is small; otherwise it is the object `file` of the `files` bucket. */
  transcript: transcriptSchema.optional(),
  file: fileIdSchema.optional(),
  /** The sound of a spoken item: an object of the `files` bucket, stored before this event. */
  audio: z
    .object({ file: fileIdSchema, contentType: z.string(), seconds: z.number(), sampleRate: z.number() })
    .optional(),
  error: failureSchema.optional(),
  /** Seconds of the item's audio: what was heard, or what was said. */
  audioSeconds: z.number().optional(),
  queueSeconds: z.number().optional(),
  runSeconds: z.number().optional(),
  model: z.string().optional(),
  segments: z.number().optional(),
  /** Who ended its last segment, and how often the segment that needed most was tried. */
  worker: z.string().optional(),
  attempts: z.number().optional(),
  /** True when the model stopped at its token budget in a segment: the text is not whole. */
  truncated: z.boolean().optional(),
  /** Of a spoken item: sent with the same text and voice again, it gives the same sound. */
  seed: seedSchema.optional(),
  /** What was sent and has no meaning here: fields and headers that are not known. */
  warnings: z.array(z.string()).optional(),
  finishedAt: z.number(),
});
export type ItemDone = z.infer<typeof itemDoneSchema>;

export const batchStates = ["queued", "processing", "completed", "partial", "error"] as const;

export const batchSummarySchema = z.object({
  batchId: batchIdSchema,
  label: z.string(),
  status: z.enum(["completed", "partial", "error"]),
  completed: z.number(),
  failed: z.number(),
  total: z.number(),
  finishedAt: z.number(),
});
export type BatchSummary = z.infer<typeof batchSummarySchema>;

/** `speech.progress.<batchId>.<itemId>` */
export const progressSchema = z.object({
  state: z.enum(["decoding", "queued", "running", "segment"]),
  /** Share of the item's known audio that is done, 0 to 1. */
  share: z.number().min(0).max(1).optional(),
  text: z.string().optional(),
  at: z.number(),
  /** Of `running`: the pass that has begun at that moment, with so many jobs of its worker. */
  pass: z
    .object({ worker: z.string(), model: z.string(), operation: operationSchema, rows: z.number().int().positive() })
    .optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/**
 * `speech.part.<batchId>.<itemId>.<n>`, not kept: what a segment's text certainly begins with, told while it is still being
 * decoded, some ten times a second at most. A later one begins with an earlier one, and the segment's result with the last; nothing
 * comes after the result. A segment whose worker died is run again and told from its beginning, and may come to be said otherwise: a reader
 * lets go of a part that does not begin with what it has already, and goes by the result.
 */
export const partSchema = z.object({
  text: z.string(),
  /** As in the segment's result; absent while it is not known. */
  language: z.string().optional(),
  /** As in the segment's result. */
  model: z.string().optional(),
});
export type Part = z.infer<typeof partSchema>;

/** A dead letter, on `speech.dead.<service>…`: the original headers and payload ride along, as far as they fit. */
export const deadLetterReasonHeader = "Parlance-Dead-Reason";
export const deadLetterSubjectHeader = "Parlance-Dead-Subject";
