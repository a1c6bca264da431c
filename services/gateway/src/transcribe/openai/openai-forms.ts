/**
 * The fields of OpenAI's transcriptions and translations (OpenAI's published schema, CreateTranscriptionRequest and
 * CreateTranslationRequest), and `return_timestamps` and `context` of the servers that Parlance replaces.
 */
import { contextFields, contextOf, type Language, languageSchema, refuseDifferingTwins } from "@parlance/contracts";
import * as z from "zod";
import { formFlag } from "../../http/form-flag.ts";
import { transcribeFields } from "../transcribe-forms.ts";
import type { UploadWishes } from "../transcribe-upload.ts";
import { chunkingStrategyField } from "./chunking-strategy.ts";

export const answerFormats = ["json", "text", "srt", "verbose_json", "vtt"] as const;
export type AnswerFormat = (typeof answerFormats)[number];
export const granularities = ["word", "segment"] as const;
export type Granularity = (typeof granularities)[number];

const noSpeakers = "is not available: no model here tells speakers apart";
/** Who names the speakers wants to know which of them said what: a transcript without it would be work for nothing. */
const ofSpeakers = z.never(noSpeakers).optional();

/** Recordings as data URLs: they are refused by their name, and not for their length. */
export const cutFields = ["known_speaker_references"];

const openaiFields = {
  model: z
    .string()
    .max(256)
    .optional()
    .describe(
      "The model that runs, or another one that lies on the workers' disks (GET /api/v1/models), which is loaded then. OpenAI's own names, an empty one and none mean whichever runs",
    ),
  response_format: z
    .enum(answerFormats, {
      error: ({ input }) =>
        input === "diarized_json" ? `${noSpeakers}. It must be one of ${answerFormats.join(", ")}` : undefined,
    })
    .default("json")
    .describe("diarized_json is not available"),
  temperature: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("0: the likeliest text. Above, it is sampled, by models that sample"),
};

export const transcriptionFormSchema = z
  .object({
    ...transcribeFields,
    ...openaiFields,
    languages: z
      .array(languageSchema)
      .optional()
      .describe("Languages that may be spoken: a single one counts as language, of more the model finds out which"),
    timestamp_granularities: z
      .array(z.enum(granularities))
      .optional()
      .describe("With verbose_json only. segment (the default) gives segments, word gives words"),
    include: z
      .array(z.enum(["logprobs"]))
      .optional()
      .describe("logprobs: with json only, and a model that has them (GET /v1/models tells)"),
    stream: formFlag
      .default(false)
      .describe("Whether the text is told while it is recognised, as events; with response_format json or text"),
    chunking_strategy: chunkingStrategyField.optional(),
    known_speaker_names: ofSpeakers,
    known_speaker_references: ofSpeakers,
  })
  .superRefine(refuseDifferingTwins)
  .superRefine(({ response_format, timestamp_granularities, include, stream }, context) => {
    // The others are files, or objects with all times: who asks for one and for events would get what he does not read.
    if (stream && response_format !== "json" && response_format !== "text") {
      const message = "must be json or text when the text is streamed";
      context.addIssue({ code: "custom", path: ["response_format"], message });
    }
    if (timestamp_granularities !== undefined && response_format !== "verbose_json") {
      const message = "must be verbose_json when timestamp_granularities[] is given";
      context.addIssue({ code: "custom", path: ["response_format"], message });
    }
    if (include !== undefined && response_format !== "json") {
      const message = "logprobs come with response_format json only";
      context.addIssue({ code: "custom", path: ["include"], message });
    }
  });
export type TranscriptionFields = z.output<typeof transcriptionFormSchema>;

export const translationFormSchema = z.object({ ...openaiFields, ...contextFields }).superRefine(refuseDifferingTwins);
export type TranslationFields = z.output<typeof translationFormSchema>;

/** Segments, unless words alone are asked for. */
export function granularitiesOf(fields: TranscriptionFields): ReadonlySet<Granularity> {
  const asked = new Set<Granularity>(fields.timestamp_granularities ?? ["segment"]);
  return fields.return_timestamps ? asked.add("word") : asked;
}

export function transcriptionWishes(fields: TranscriptionFields): UploadWishes {
  return {
    language: spokenLanguage(fields),
    timestamps: fields.return_timestamps || hasTimes(fields.response_format),
    context: contextOf(fields),
    temperature: fields.temperature,
    logprobs: fields.include !== undefined,
  };
}

export function translationWishes(fields: TranslationFields): UploadWishes {
  return {
    language: "auto",
    timestamps: hasTimes(fields.response_format),
    context: contextOf(fields),
    temperature: fields.temperature,
    translate: true,
  };
}

function spokenLanguage({ language, languages = [] }: TranscriptionFields): Language {
  const [only] = languages;
  return language === "auto" && languages.length === 1 && only !== undefined ? only : language;
}

/** Subtitles are made of words, and the segments of some models are. */
function hasTimes(format: AnswerFormat): boolean {
  return format !== "json" && format !== "text";
}
