/**
 * NATS headers carry the metadata of a message whose payload is audio or text. They are strings on the wire; each set
 * has a zod schema and goes through `readHeaders` and `writeHeaders`, so that a service never trusts a raw header.
 */
import * as z from "zod";
import { errorCodeSchema } from "../errors/errors.ts";
import { referenceIdSchema } from "../voices/references.ts";
import { customIdSchema, fileIdSchema, tokenSchema } from "../words/identifiers.ts";
import { languageSchema } from "../words/languages.ts";
import { seedSchema } from "../words/seeds.ts";
import { itemOutcomes, laneSchema, operationSchema, speechFormatSchema } from "../words/words.ts";
import { batchRecordSchema } from "./entries.ts";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const count = z.coerce.number().int().nonnegative();
const seconds = z.coerce.number().nonnegative();
/** Free text on one line: whoever writes the header takes line breaks out with `oneLine`. */
const line = (most: number) => z.string().max(most);
/**
 * Text that may have line breaks, which no header has: as a JSON string or, where it does not begin with a quotation mark, as it
 * stands.
 */
const text = (most: number) =>
  z
    .string()
    .transform((raw, context): string => {
      if (!raw.startsWith('"')) return raw;
      try {
        return z.string().parse(JSON.parse(raw));
      } catch {
        context.addIssue({ code: "custom", message: "begins with a quotation mark and is not a JSON string" });
        return z.NEVER;
      }
    })
    .pipe(z.string().max(most));
/** What a list of phrases or hotwords may take, as JSON. */
export const MAX_LIST_BYTES = 16_384;
const textList = z
  .string()
  .refine((list) => Buffer.byteLength(list) <= MAX_LIST_BYTES, `must not be longer than ${MAX_LIST_BYTES} bytes`)
  .transform((text, context): string[] => {
    try {
      return z.array(z.string().max(256)).max(1_000).parse(JSON.parse(text));
    } catch {
      context.addIssue({
        code: "custom",
        message: "must be a JSON array of strings",
      });
      return z.NEVER;
    }
  });

/** Field name → header name. The order is that of the documentation. */
export const headerNames = {
  contentType: "Content-Type",
  customId: "Parlance-Custom-Id",
  language: "Parlance-Language",
  timestamps: "Parlance-Timestamps",
  lane: "Parlance-Lane",
  hotwords: "Parlance-Hotwords",
  phrases: "Parlance-Phrases",
  context: "Parlance-Context",
  translate: "Parlance-Translate",
  temperature: "Parlance-Temperature",
  logprobs: "Parlance-Logprobs",
  parts: "Parlance-Parts",
  submittedAt: "Parlance-Submitted-At",
  start: "Parlance-Start",
  samples: "Parlance-Samples",
  last: "Parlance-Last",
  segmentSeconds: "Parlance-Segment-Seconds",
  firstSegmentSeconds: "Parlance-First-Segment-Seconds",
  together: "Parlance-Together",
  operation: "Parlance-Operation",
  voice: "Parlance-Voice",
  instructions: "Parlance-Instructions",
  speed: "Parlance-Speed",
  referenceText: "Parlance-Reference-Text",
  reference: "Parlance-Reference",
  seed: "Parlance-Seed",
  pauseMs: "Parlance-Pause-Ms",
  format: "Parlance-Format",
  file: "Parlance-File",
  replayOf: "Parlance-Replay-Of",
  status: "Parlance-Status",
  errorCode: "Parlance-Error-Code",
  error: "Parlance-Error",
  queueSeconds: "Parlance-Queue-Seconds",
  runSeconds: "Parlance-Run-Seconds",
  worker: "Parlance-Worker",
  attempts: "Parlance-Attempts",
  warnings: "Parlance-Warnings",
  position: "Parlance-Position",
  sampleRate: "Parlance-Sample-Rate",
  sign: "Parlance-Sign",
  turns: "Parlance-Turns",
  threshold: "Parlance-Threshold",
  prefixMs: "Parlance-Prefix-Ms",
  silenceMs: "Parlance-Silence-Ms",
  partials: "Parlance-Partials",
  item: "Parlance-Item",
  window: "Parlance-Window",
  deadline: "Parlance-Deadline",
  memory: "Parlance-Memory",
  batch: "Parlance-Batch",
  statusAt: "Parlance-Status-At",
  statusGzipAt: "Parlance-Status-Gzip-At",
  statusEtag: "Parlance-Status-Etag",
} as const;

export type HeaderField = keyof typeof headerNames;

/** JetStream refuses a message with longer headers. The longest lists and context leave 8 KB for all others. */
export const MAX_HEADER_BYTES = 65_535;

/** Characters of a context: about a thousand words. What a model has to read with every segment must have an end. */
export const MAX_CONTEXT = 4_096;
export const MAX_INSTRUCTIONS = 2_048;
export const MAX_REFERENCE_TEXT = 2_048;

/** The slowest and the fastest speed; 1 is the voice's own pace. */
export const SPEEDS = { slowest: 0.25, fastest: 4 } as const;
const seedHeader = z.coerce.number().pipe(seedSchema);
const speed = z.coerce.number().min(SPEEDS.slowest).max(SPEEDS.fastest).default(1);

/** What a job and a drop say of how a text is to be spoken. */
const speechHeaders = {
  voice: tokenSchema.optional(),
  instructions: line(MAX_INSTRUCTIONS).default(""),
  speed,
  /** Absent from a drop: one is chosen, and told with the item's end. */
  seed: seedHeader.optional(),
  format: speechFormatSchema.default("wav"),
};

/** What a job and a drop say of how audio is to be transcribed. */
export const transcriptionHeaders = {
  language: languageSchema.default("auto"),
  timestamps: flag.default(false),
  hotwords: textList.default([]),
  phrases: textList.default([]),
  context: text(MAX_CONTEXT).default(""),
  /** The text is to be English, whatever is spoken. */
  translate: flag.default(false),
  /** 0: the likeliest text. Above: sampled, where the model samples. */
  temperature: z.coerce.number().min(0).max(1).default(0),
  /** Whether the tokens' log-probabilities are wanted. */
  logprobs: flag.default(false),
  /**
   * Its text, or its sound, is taken as it comes: workers tell parts. Of audio the first segment is short, and jobs leave while it is
   * decoded.
   */
  parts: flag.default(false),
};

/** What a live session's first frame says of its utterances. Where one of these is absent the setting of its name counts. */
export const liveHeaders = {
  /** `detect`: an utterance ends at a silence. `none`: where its publisher says `finalize`, or at the longest length. */
  turns: z.enum(["detect", "none"]).default("detect"),
  /** Probability of speech above which somebody speaks. Default LIVE_THRESHOLD. */
  threshold: z.coerce.number().min(0.05).max(0.95).optional(),
  /** Milliseconds of an utterance before its first speech. Default LIVE_PREFIX_MS. */
  prefixMs: z.coerce.number().int().min(0).max(5_000).optional(),
  /** Milliseconds of silence after which an utterance ends. Default LIVE_SILENCE_MS. */
  silenceMs: z.coerce.number().int().min(100).max(10_000).optional(),
  /** Whether texts are told while somebody speaks. */
  partials: flag.default(true),
};

export const countHeader = count;
export const flagHeader = flag;
export const pauseHeader = count.max(10_000).default(0);
/** At most 2^53: thousands of years. */
export const positionHeader = count.optional();
/** A value of a schema, written as JSON. */
export const jsonHeader = <Schema extends z.ZodType>(schema: Schema, mostBytes: number) =>
  z
    .string()
    .refine((json) => Buffer.byteLength(json) <= mostBytes, `must not be longer than ${mostBytes} bytes`)
    .transform((json, context): unknown => {
      try {
        return JSON.parse(json);
      } catch {
        context.addIssue({ code: "custom", message: "must be JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Ids, a label and a custom id of 256 characters each. */
const MAX_RECORD_BYTES = 8_192;
/**
 * What was asked, of a batch that is one item of one segment: its job has it and then its end, so that it lies nowhere else. Absent where
 * the notebook has it.
 */
const batchOfOne = jsonHeader(batchRecordSchema, MAX_RECORD_BYTES).optional();
/** Of a job or a done event, whatever else its headers say. */
export const batchOfOneSchema = z.object({ batch: batchOfOne });

/**
 * A raw drop on `speech.intake.<source>.<batchId>`, everything optional: audio to transcribe, or, with a content type of
 * `text/plain`, UTF-8 text to speak.
 */
export const dropHeadersSchema = z.object({
  contentType: z.string().max(256).default("application/octet-stream"),
  customId: customIdSchema.optional(),
  lane: laneSchema.default("batch"),
  ...transcriptionHeaders,
  /** Default: `transcribe` for audio, `custom_voice` for text. */
  operation: operationSchema.optional(),
  ...speechHeaders,
});
export type DropHeaders = z.infer<typeof dropHeadersSchema>;

/**
 * A job: one segment. To transcribe, the payload is PCM16 (`SAMPLE_RATE`, mono). To speak, it is UTF-8 text; a voice to imitate is named
 * by its checksum (references.ts).
 */
export const jobHeadersSchema = z.object({
  customId: customIdSchema.optional(),
  ...transcriptionHeaders,
  /** Milliseconds since the epoch at which the batch was accepted. */
  submittedAt: count,
  /** Where the segment begins in its item, in samples at SAMPLE_RATE. */
  start: count.default(0),
  /** How many of the payload's samples are audio, where zeros were added at its end; absent: all of them. */
  samples: count.optional(),
  /** True on the item's last segment: its number tells how many there are. */
  last: flag,
  /** Near which length its item's audio is cut, whatever SEGMENT_SECONDS becomes. */
  segmentSeconds: count.optional(),
  /** Near which its item's first segment ends, where lengths grow from there; absent: all are of one length. */
  firstSegmentSeconds: count.min(1).optional(),
  /** How many jobs of this batch were published together and should share a pass (1: no wish). */
  together: count.default(1),
  ...speechHeaders,
  /** What is said in the reference; absent when its sound alone is to be imitated. */
  referenceText: line(MAX_REFERENCE_TEXT).optional(),
  /** The recording whose voice is to be imitated. */
  reference: referenceIdSchema.optional(),
  /** Silence after this segment, in milliseconds. */
  pauseMs: pauseHeader,
  replayOf: z.string().max(64).optional(),
  /** What its sender is to be told with its item's end; on an item's first segment. */
  warnings: textList.default([]),
  batch: batchOfOne,
});
export type JobHeaders = z.infer<typeof jobHeadersSchema>;

/** A done event: what a status needs of it, so that a status is read without payloads. */
export const doneHeadersSchema = z.object({
  status: z.enum(itemOutcomes),
  errorCode: errorCodeSchema.optional(),
  error: z.string().optional(),
  customId: customIdSchema.optional(),
  queueSeconds: seconds.optional(),
  runSeconds: seconds.optional(),
  worker: z.string().optional(),
  attempts: count.optional(),
  /** The audio of a spoken item. A transcript's file id follows from the item's. */
  file: fileIdSchema.optional(),
  /** Of a spoken item. */
  seed: seedHeader.optional(),
  batch: batchOfOne,
});
export type DoneHeaders = z.infer<typeof doneHeadersSchema>;

const nameOf: ReadonlyMap<string, string> = new Map(Object.entries(headerNames));

/** Undefined where a field does not travel as a header. */
export function headerNameOf(field: string): string | undefined {
  return nameOf.get(field);
}

export interface HeaderSource {
  get(name: string): string;
  has(name: string): boolean;
}

/** Reads and checks the headers that a schema names. Throws a ZodError whose paths are header field names. */
export function readHeaders<Schema extends z.ZodObject>(
  schema: Schema,
  headers: HeaderSource | undefined,
): z.infer<Schema> {
  const raw: Record<string, string> = {};
  for (const field of Object.keys(schema.shape)) {
    const name = headerNameOf(field);
    if (name !== undefined && headers?.has(name)) raw[field] = headers.get(name);
  }
  return schema.parse(raw);
}

/**
 * Headers of Parlance that mean nothing beside these fields: misspelt ones, and those of other messages. What is not Parlance's is
 * its sender's business.
 */
export function unknownHeaders(headers: { keys(): string[] }, fields: readonly string[]): string[] {
  const known = new Set(fields.map((field) => headerNameOf(field)?.toLowerCase()));
  return headers.keys().filter((name) => /^parlance-/i.test(name) && !known.has(name.toLowerCase()));
}

/** What a message's headers and its subject may take of the server's `max_payload`, beside its payload. */
export const HEADER_ROOM_BYTES = 1_024;

/** A header is one line: control characters, and the spaces around them, become one space. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out
  return text.replaceAll(/\s*[\u0000-\u001f\u007f]+\s*/g, " ").trim();
}

/** Fields that are written as JSON. */
const asJson: ReadonlySet<string> = new Set<HeaderField>([
  "hotwords",
  "phrases",
  "context",
  "warnings",
  "memory",
  "batch",
]);

/**
 * Header name and value pairs for `fields`; undefined is left out, and by default what is empty: texts and lists. Where they take the
 * place of others, an empty one is kept, if it has a way to be written.
 */
export function writeHeaders(
  fields: Partial<Record<HeaderField, unknown>>,
  { empty = "left out" }: { empty?: "left out" | "kept" } = {},
): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const [field, value] of Object.entries(fields)) {
    const name = headerNameOf(field);
    if (name === undefined || value === undefined) continue;
    const isEmpty = value === "" || (Array.isArray(value) && value.length === 0);
    if (isEmpty && (empty === "left out" || !asJson.has(field))) continue;
    pairs.push([name, asJson.has(field) ? JSON.stringify(value) : String(value)]);
  }
  return pairs;
}
