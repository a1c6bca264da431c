/**
 * What the query of `/v1/listen` says, in Deepgram's words (developers.deepgram.com/reference/speech-to-text/listen-streaming). What it
 * names and nobody here has (a `model`, `smart_format`, `punctuate` …) is passed over, as Deepgram's clients send it by habit.
 */
import { findLanguage, type LiveFormat, SpeechError } from "@parlance/contracts";
import * as z from "zod";
import { formFlag } from "../http/form-flag.ts";
import type { LiveWishes } from "./frame-publisher.ts";
import { encodingField, formatOf, rateField } from "./transcribe-query.ts";

/** What a session may be asked for; Deepgram's own default is 10 ms. */
const SILENCE_MS = { least: 100, most: 10_000 } as const;

const querySchema = z.object({
  encoding: encodingField.optional(),
  sample_rate: rateField.optional(),
  channels: z.coerce.number().int().min(1).max(1, "must be 1: one channel is heard").default(1),
  multichannel: formFlag.refine((wanted) => !wanted, "must be false: one channel is heard").optional(),
  language: z.string().max(64).optional(),
  interim_results: formFlag.default(false),
  vad_events: formFlag.default(false),
  endpointing: z.union([formFlag, z.coerce.number().int().min(0)]).optional(),
  utterance_end_ms: z.coerce.number().int().min(1_000).max(60_000).optional(),
});

export interface ListenQuery {
  format: LiveFormat;
  wishes: LiveWishes;
  interimResults: boolean;
  vadEvents: boolean;
  /** Whether a silence is told as the end of speech. */
  endpointing: boolean;
  utteranceEndMs: number | undefined;
}

/** Throws `validation_failed`, which names the field. */
export function readListenQuery(query: URLSearchParams): ListenQuery {
  const raw = Object.fromEntries([...query].filter(([, value]) => value !== ""));
  const fields = querySchema.parse(raw);
  const { encoding, sample_rate: rate, endpointing } = fields;
  if (encoding === undefined && rate === undefined) {
    throw new SpeechError("validation_failed", "encoding: is required: audio in a container is not read here", {
      param: "encoding",
    });
  }
  const written = fields.language === "multi" ? "auto" : (fields.language ?? "auto");
  const language = findLanguage(written);
  if (language === undefined) {
    throw new SpeechError("validation_failed", `language: unknown language ${JSON.stringify(written)}`, {
      param: "language",
    });
  }
  const silence = typeof endpointing === "number" ? endpointing : undefined;
  return {
    format: formatOf(encoding ?? "pcm", rate),
    wishes: {
      language,
      timestamps: true,
      partials: fields.interim_results,
      hotwords: [...query.getAll("keyterm"), ...query.getAll("keywords").map((word) => word.replace(/:-?[\d.]+$/, ""))],
      ...(silence === undefined ? {} : { silenceMs: Math.min(SILENCE_MS.most, Math.max(SILENCE_MS.least, silence)) }),
    },
    interimResults: fields.interim_results,
    vadEvents: fields.vad_events,
    endpointing: endpointing !== false,
    utteranceEndMs: fields.utterance_end_ms,
  };
}
