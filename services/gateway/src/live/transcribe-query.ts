/** What the query of `/ws/transcribe` says, checked. */
import {
  batchIdSchema,
  contextFields,
  contextOf,
  customIdSchema,
  LIVE_RATES,
  type LiveFormat,
  languageField,
  liveHeaders,
  OPUS_RATE,
  refuseDifferingTwins,
  unknownFields,
  warningsOf,
} from "@parlance/contracts";
import * as z from "zod";
import { formFlag } from "../http/form-flag.ts";
import type { LiveWishes } from "./frame-publisher.ts";

/** As other services call them. */
const encodings = {
  pcm: "pcm",
  pcm16: "pcm",
  pcm_s16le: "pcm",
  s16le: "pcm",
  linear16: "pcm",
  mulaw: "mulaw",
  ulaw: "mulaw",
  pcmu: "mulaw",
  g711_ulaw: "mulaw",
  alaw: "alaw",
  pcma: "alaw",
  g711_alaw: "alaw",
  opus: "opus",
} as const;
type EncodingName = keyof typeof encodings;
const encodingNames = Object.keys(encodings).filter((name): name is EncodingName => name in encodings);

/** One of them, split at its commas; several; or a list in JSON. */
const words = z
  .array(z.string())
  .transform((all): unknown => {
    const [first = "", ...others] = all;
    if (others.length > 0) return all;
    if (!first.startsWith("["))
      return first
        .split(",")
        .map((word) => word.trim())
        .filter(Boolean);
    try {
      return JSON.parse(first);
    } catch {
      return first;
    }
  })
  .pipe(z.array(z.string().min(1).max(256)).max(1_000));

export const rateField = z.coerce.number().int().min(LIVE_RATES.slowest).max(LIVE_RATES.fastest);
export const encodingField = z
  .string()
  .toLowerCase()
  .pipe(z.enum(encodingNames, `must be one of ${encodingNames.join(", ")}`))
  .transform((name) => encodings[name]);

const querySchema = z
  .object({
    encoding: encodingField.default("pcm"),
    sample_rate: rateField.optional(),
    language: languageField,
    timestamps: formFlag.optional(),
    words: formFlag.optional(),
    hotwords: words.default([]),
    phrases: words.default([]),
    ...contextFields,
    partials: formFlag.default(true),
    turns: liveHeaders.turns,
    silence_ms: liveHeaders.silenceMs,
    prefix_ms: liveHeaders.prefixMs,
    threshold: liveHeaders.threshold,
    custom_id: customIdSchema.optional(),
    session: batchIdSchema.optional(),
    from: z.coerce.number().int().min(-1).optional(),
    resume: formFlag.default(false),
    /** The key, where it stands here: whoever lets sockets in reads it. */
    api_key: z.string().optional(),
    token: z.string().optional(),
  })
  .superRefine(refuseDifferingTwins);

export interface TranscribeQuery {
  format: LiveFormat;
  wishes: LiveWishes;
  /** The session to go on with, and the first utterance of which the end is to be told. */
  resume: { session: string; from: number } | undefined;
  /** Whether it goes on without a socket, until it idles out. */
  outlivesSocket: boolean;
  warnings: string[];
}

/** Throws a ZodError that names the field. */
export function readTranscribeQuery(query: URLSearchParams): TranscribeQuery {
  const raw = Object.fromEntries(
    [...new Set(query.keys())].map((name) => [
      name,
      name === "hotwords" || name === "phrases" ? query.getAll(name) : (query.get(name) ?? ""),
    ]),
  );
  const filled = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== "" && value[0] !== ""));
  const fields = querySchema.parse(filled);
  return {
    format: formatOf(fields.encoding, fields.sample_rate),
    wishes: {
      language: fields.language,
      timestamps: fields.timestamps ?? fields.words ?? false,
      hotwords: fields.hotwords,
      phrases: fields.phrases,
      context: contextOf(fields),
      partials: fields.partials,
      turns: fields.turns,
      silenceMs: fields.silence_ms,
      prefixMs: fields.prefix_ms,
      threshold: fields.threshold,
      customId: fields.custom_id,
    },
    resume: fields.session === undefined ? undefined : { session: fields.session, from: (fields.from ?? -1) + 1 },
    outlivesSocket: fields.resume || fields.session !== undefined,
    warnings: warningsOf(unknownFields(querySchema, raw)),
  };
}

export function formatOf(encoding: LiveFormat["encoding"], rate: number | undefined): LiveFormat {
  if (encoding === "opus") return { encoding, rate: OPUS_RATE };
  return { encoding, rate: rate ?? (encoding === "pcm" ? 16_000 : 8_000) };
}
