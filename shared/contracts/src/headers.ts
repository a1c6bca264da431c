/**
 * NATS headers carry the metadata of a message whose payload is audio or text. They are strings on the wire; each set
 * has a zod schema and goes through `readHeaders` and `writeHeaders`, so that a service never trusts a raw header.
 */
import * as z from "zod";
import { errorCodeSchema } from "./errors.ts";
import { customIdSchema } from "./identifiers.ts";
import { languageSchema } from "./languages.ts";
import { laneSchema } from "./words.ts";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const count = z.coerce.number().int().nonnegative();
const seconds = z.coerce.number().nonnegative();
const textList = z
  .string()
  .max(16_384)
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
  submittedAt: "Parlance-Submitted-At",
  start: "Parlance-Start",
  samples: "Parlance-Samples",
  last: "Parlance-Last",
  together: "Parlance-Together",
  replayOf: "Parlance-Replay-Of",
  status: "Parlance-Status",
  errorCode: "Parlance-Error-Code",
  error: "Parlance-Error",
  queueSeconds: "Parlance-Queue-Seconds",
  runSeconds: "Parlance-Run-Seconds",
} as const;

export type HeaderField = keyof typeof headerNames;

/** A raw audio drop on `speech.intake.<source>.<batchId>`: everything is optional. */
export const dropHeadersSchema = z.object({
  contentType: z.string().max(256).default("application/octet-stream"),
  customId: customIdSchema.optional(),
  language: languageSchema.default("auto"),
  timestamps: flag.default(false),
  lane: laneSchema.default("batch"),
  hotwords: textList.default([]),
  phrases: textList.default([]),
});
export type DropHeaders = z.infer<typeof dropHeadersSchema>;

/** A job: one segment. The payload is PCM16 (`SAMPLE_RATE`, mono). */
export const jobHeadersSchema = z.object({
  customId: customIdSchema.optional(),
  language: languageSchema.default("auto"),
  timestamps: flag.default(false),
  hotwords: textList.default([]),
  phrases: textList.default([]),
  /** Milliseconds since the epoch at which the batch was accepted. */
  submittedAt: count,
  /** Where the segment begins in its item, in samples at SAMPLE_RATE. */
  start: count.default(0),
  /** How many of the payload's samples are audio, where zeros were added at its end; absent: all of them. */
  samples: count.optional(),
  /** True on the item's last segment: its number tells how many there are. */
  last: flag,
  /** How many jobs of this batch were published together and should share a pass (1: no wish). */
  together: count.default(1),
  replayOf: z.string().max(64).optional(),
});
export type JobHeaders = z.infer<typeof jobHeadersSchema>;

/** A done event: what a status needs of it, so that a status is read without payloads. */
export const doneHeadersSchema = z.object({
  status: z.enum(["done", "error"]),
  errorCode: errorCodeSchema.optional(),
  error: z.string().optional(),
  customId: customIdSchema.optional(),
  queueSeconds: seconds.optional(),
  runSeconds: seconds.optional(),
});
export type DoneHeaders = z.infer<typeof doneHeadersSchema>;

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
    const name = headerNames[field as HeaderField];
    if (headers?.has(name)) raw[field] = headers.get(name);
  }
  return schema.parse(raw);
}

/** Header name and value pairs for `fields`; undefined, empty lists and defaults that say nothing are left out. */
export function writeHeaders(fields: Partial<Record<HeaderField, unknown>>): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    pairs.push([headerNames[field as HeaderField], Array.isArray(value) ? JSON.stringify(value) : String(value)]);
  }
  return pairs;
}
