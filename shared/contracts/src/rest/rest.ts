/** REST bodies, with the field names of the service that Parlance replaces. */
import * as z from "zod";
import { errorCodeSchema } from "../errors/errors.ts";
import { MAX_CONTEXT, MAX_INSTRUCTIONS, MAX_REFERENCE_TEXT, SPEEDS } from "../messages/headers.ts";
import { batchStates, MAX_ITEMS, transcriptSegmentSchema, wordSchema } from "../messages/payloads.ts";
import { customIdSchema, fileIdSchema, tokenSchema } from "../words/identifiers.ts";
import { languageSchema } from "../words/languages.ts";
import { seedSchema } from "../words/seeds.ts";
import { familySchema, itemOutcomes, laneSchema, operationSchema, speechFormats } from "../words/words.ts";

const phraseList = z.array(z.string().min(1).max(256)).max(1_000);
export const languageField = languageSchema
  .default("auto")
  .describe("A language by name or ISO code, or auto; GET /v1/models tells which ones a model knows");

export const seedField = seedSchema
  .optional()
  .describe(
    "What a model that samples draws its chances from: the same text, voice and seed are the same sound. Absent: one is chosen, and told",
  );

/** A text that comes with audio to transcribe, under both of its names. */
export const contextFields = {
  context: z
    .string()
    .max(MAX_CONTEXT)
    .optional()
    .describe(
      "What the speech may be about: names, terms, what was said before. It comes with each segment of the audio. A model that takes no such text ignores it (GET /v1/models tells); one that takes less of it reads its end",
    ),
  prompt: z.string().max(MAX_CONTEXT).optional().describe("Another name of context"),
};

export function contextOf({ context, prompt }: { context?: string | undefined; prompt?: string | undefined }): string {
  return context ?? prompt ?? "";
}

const warnings = z
  .array(z.string())
  .optional()
  .describe("Fields that were sent and are not known here; absent when there are none");

export const uploadResponseSchema = z.object({ file_id: fileIdSchema, warnings });
export type UploadResponse = z.infer<typeof uploadResponseSchema>;

export const queueItemSchema = z.object({
  operation: operationSchema.describe("What to do with the item"),
  ref_audio: fileIdSchema
    .optional()
    .describe("The file_id of an upload: what to transcribe, or the voice to clone (0.5 to 60 s of speech)"),
  text: z.string().default("").describe("The text to speak, at most 4096 characters; ignored when transcribing"),
  language: languageField,
  return_timestamps: z.boolean().default(false).describe("Whether the transcript holds word times"),
  custom_id: customIdSchema.optional().describe("The caller's own name for the item"),
  hotwords: phraseList.default([]).describe("Words to prefer"),
  phrases: phraseList.default([]).describe("When given, the transcript is the likeliest of these phrases"),
  ...contextFields,
  translate: z
    .boolean()
    .default(false)
    .describe("Whether the transcript is to be English, whatever is spoken, where the model translates"),
  temperature: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("0: the likeliest text. Above: sampled, where the model samples"),
  voice: tokenSchema
    .optional()
    .describe(
      "custom_voice: one of the voices of GET /v1/audio/voices; default: the model's own. voice_clone: the id of a voice that was stored, in place of ref_audio",
    ),
  speaker: tokenSchema.optional().describe("Another name of voice"),
  instructions: z
    .string()
    .max(MAX_INSTRUCTIONS)
    .optional()
    .describe("custom_voice: how to say it, where the model follows instructions. voice_design: the voice, in words"),
  instruct: z.string().max(MAX_INSTRUCTIONS).optional().describe("Another name of instructions"),
  ref_text: z
    .string()
    .max(MAX_REFERENCE_TEXT)
    .default("")
    .describe("voice_clone: what is said in ref_audio; required unless x_vector_only_mode"),
  x_vector_only_mode: z.boolean().default(false).describe("voice_clone: imitate the sound alone, without ref_text"),
  seed: seedField,
  speed: z.number().min(SPEEDS.slowest).max(SPEEDS.fastest).default(1).describe("1 is the voice's own pace"),
  response_format: z
    .string()
    .max(32)
    .default("wav")
    .describe(`What the spoken item's file is: ${speechFormats.join(", ")}`),
});
export type QueueItem = z.infer<typeof queueItemSchema>;

/** Pairs of names for one field: when both are given they must agree. */
const twins = [
  ["voice", "speaker"],
  ["instructions", "instruct"],
  ["context", "prompt"],
] as const;

/** A check for schemas whose fields have two names. `path` leads to the fields. */
export function refuseDifferingTwins(
  fields: Readonly<Record<string, unknown>>,
  context: z.core.$RefinementCtx,
  path: readonly (string | number)[] = [],
): void {
  for (const [name, other] of twins) {
    if (fields[name] === undefined || fields[other] === undefined || fields[name] === fields[other]) continue;
    const message = `is another name of ${name}, and they differ`;
    context.addIssue({ code: "custom", path: [...path, other], message });
  }
}

/** What is wrong with an item beyond its fields' own shapes. */
export function refuseBadItem(
  item: QueueItem,
  context: z.core.$RefinementCtx,
  path: readonly (string | number)[] = [],
): void {
  if (item.operation === "transcribe" && item.ref_audio === undefined) {
    context.addIssue({ code: "custom", path: [...path, "ref_audio"], message: "is required to transcribe" });
  }
  refuseDifferingTwins(item, context, path);
}

export const submitRequestSchema = z
  .object({
    label: z.string().max(256).default(""),
    items: z.array(queueItemSchema).min(1).max(MAX_ITEMS),
  })
  .superRefine((request, context) => {
    const seen = new Map<string, number>();
    for (const [index, item] of request.items.entries()) {
      refuseBadItem(item, context, ["items", index]);
      if (item.custom_id === undefined) continue;
      const first = seen.get(item.custom_id);
      if (first !== undefined) {
        context.addIssue({
          code: "custom",
          path: ["items", index, "custom_id"],
          message: `is the same as that of item ${first}`,
        });
      }
      seen.set(item.custom_id, index);
    }
  });
export type SubmitRequest = z.infer<typeof submitRequestSchema>;

export const submitResponseSchema = z.object({
  batch_id: z.string(),
  total_items: z.number(),
  item_ids: z.array(z.string()),
  status: z.literal("queued"),
  warnings,
});
export type SubmitResponse = z.infer<typeof submitResponseSchema>;

export const itemStates = ["queued", "processing", ...itemOutcomes] as const;

export const itemStatusSchema = z.object({
  item_id: z.string(),
  custom_id: z.string().nullable(),
  status: z.enum(itemStates).describe("`done`, `error` and `cancelled` are final"),
  url: z.string().nullable(),
  error: z.string().nullable(),
  error_code: z.string().nullable(),
  queue_seconds: z.number().nullable().describe("From acceptance to the pass that ran the item"),
  run_seconds: z.number().nullable().describe("From the beginning of its first pass to the end of its last"),
  worker: z.string().optional().describe("Who ran its last pass; absent while none has ended"),
  attempts: z
    .number()
    .optional()
    .describe("How often its jobs were handed to a worker: of the segment that needed most; absent as `worker`"),
  start: z
    .number()
    .optional()
    .describe("Of an utterance of a live session: where it begins, in seconds from the session's first sample"),
  end: z.number().optional().describe("Where it ends, as `start`"),
  seed: z.number().optional().describe("Of a spoken item that is done: the seed it was spoken by"),
});
export type ItemStatus = z.infer<typeof itemStatusSchema>;

export const batchStatusSchema = z.object({
  batch_id: z.string(),
  label: z.string(),
  status: z.enum(batchStates),
  completed: z.number(),
  failed: z.number().describe("Items without an outcome to fetch: `error` and `cancelled`"),
  total: z.number(),
  waiting_reason: z
    .string()
    .nullable()
    .describe(
      "Why items wait that nothing could be done for yet: a model that cannot be loaded, or that is being downloaded",
    ),
  items: z.array(itemStatusSchema),
  next_offset: z
    .number()
    .nullable()
    .optional()
    .describe("Where a page was asked for: the offset of the one behind it, or null"),
});
export type BatchStatus = z.infer<typeof batchStatusSchema>;

export const cancelResponseSchema = z.object({
  batch_id: z.string(),
  cancelled: z.boolean().describe("False when every item was finished already"),
});
export type CancelResponse = z.infer<typeof cancelResponseSchema>;

export const transcribeRequestSchema = z
  .object({
    files: z
      .array(z.object({ file_id: fileIdSchema, custom_id: customIdSchema.optional() }))
      .min(1)
      .max(MAX_ITEMS),
    language: languageField,
    return_timestamps: z.boolean().default(false),
    ...contextFields,
  })
  .superRefine(refuseDifferingTwins);
export type TranscribeRequest = z.infer<typeof transcribeRequestSchema>;

const transcribedSegments = z
  .array(transcriptSegmentSchema)
  .nullable()
  .describe("Stretches of the text with their times in seconds and scores, as OpenAI's verbose_json has them");

export const transcribedItemSchema = z.object({
  custom_id: z.string().nullable(),
  text: z
    .string()
    .nullable()
    .describe("null: this file has no transcript, while others have one. Silence is an empty text"),
  language: z.string(),
  timestamps: z.array(wordSchema).nullable(),
  error: z.string().nullable().describe("Why this file has no transcript; null when it has one"),
  error_code: errorCodeSchema.nullable(),
  segments: transcribedSegments,
});

export const transcribeResponseSchema = z.object({
  items: z.array(transcribedItemSchema),
  performance: z.number().describe("Seconds from request to transcripts"),
  warnings,
});

export const transcribeFileResponseSchema = z.object({
  text: z.string(),
  language: z.string(),
  timestamps: z.array(wordSchema).nullable(),
  performance: z.number().describe("Seconds from request to transcript"),
  segments: transcribedSegments,
  warnings,
});

export const healthSchema = z.object({
  status: z.enum(["ok", "degraded"]),
  model_loaded: z.boolean(),
  model_id: z.string(),
  cuda: z.boolean(),
  reason: z.string().optional().describe("Why a model cannot be loaded, when one cannot"),
});

const moment = z.iso.datetime().describe("ISO 8601, UTC");

export const gpuDeviceSchema = z.object({
  device: z.string().describe("As its host counts them: `cpu`, `cuda:0` …"),
  accelerator: z
    .string()
    .describe("Its id, which all who share it agree on: a GPU's UUID, or `cpu-` and the machine's id"),
  hosts: z.array(z.string()).describe("Whose workers run on it: containers that share it are each their own"),
  holder: z
    .object({
      worker: z.string(),
      host: z.string(),
      family: familySchema,
      model: z.string(),
      since: moment,
      loaded: z.boolean().describe("False while the model is being loaded"),
    })
    .nullable()
    .describe("Who has the lease; null: the device is free"),
  waiting: z
    .array(
      z.object({
        family: familySchema,
        worker: z.string(),
        lane: laneSchema,
        since: moment.describe("When the oldest job that waits was published"),
      }),
    )
    .describe("Families that wait for the holder to let go, the most urgent first"),
  swaps: z.object({
    count: z.number().describe("Models loaded after the lease was got, since the workers that answer began"),
    recent: z
      .array(
        z.object({
          at: moment,
          until: moment.nullable().describe("When it was unloaded; null while it is loaded"),
          family: familySchema,
          model: z.string(),
          seconds: z.number().describe("From the lease to a loaded model: the sum of the parts"),
          start_seconds: z.number().describe("The engine process"),
          check_seconds: z.number().describe("Finding the model and verifying its files"),
          load_seconds: z.number(),
          warm_up_seconds: z.number(),
        }),
      )
      .describe("The newest ones, oldest first"),
  }),
});

export const gpuStatusSchema = z.object({ devices: z.array(gpuDeviceSchema) });
export type GpuStatus = z.infer<typeof gpuStatusSchema>;
