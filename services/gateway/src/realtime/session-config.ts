/**
 * What a transcription session is to be, in OpenAI's words (RealtimeTranscriptionSessionCreateRequest of their client), and what a live
 * session is told of it. Fields that mean nothing here are kept and shown back. Pure.
 */
import { isCommittedByClients } from "@parlance/catalogue";
import { findLanguage, type LiveOptions, MAX_CONTEXT, MAX_LIST_BYTES } from "@parlance/contracts";
import * as z from "zod";

const LOGPROBS = "item.input_audio_transcription.logprobs";
/** Characters of a session as JSON: the longest prompt and keywords, and some more. */
const MOST_CHARACTERS = 65_536;

export const realtimeFormats = {
  "audio/pcm": { rate: 24_000, bytesPerSample: 2 },
  "audio/pcmu": { rate: 8_000, bytesPerSample: 1 },
  "audio/pcma": { rate: 8_000, bytesPerSample: 1 },
} as const;
const formatNames = ["audio/pcm", "audio/pcmu", "audio/pcma"] as const;
export type RealtimeFormat = (typeof formatNames)[number];

const formatSchema = z
  .looseObject({ type: z.enum(formatNames).default("audio/pcm"), rate: z.number().optional() })
  .superRefine(({ type, rate }, context) => {
    const known = realtimeFormats[type].rate;
    if (rate === undefined || rate === known) return;
    context.addIssue({ code: "custom", path: ["rate"], message: `must be ${known} for ${type}` });
  });

const languageName = z
  .string()
  .max(64)
  .refine(
    (text) => text === "" || findLanguage(text) !== undefined,
    "must be a language's ISO code or English name, as en or English",
  );

const transcriptionSchema = z.looseObject({
  model: z.string().max(256).nullish(),
  language: languageName.nullish(),
  prompt: z.string().max(MAX_CONTEXT).nullish(),
  keywords: z
    .array(z.string().max(256))
    .max(1_000)
    .refine(
      (list) => Buffer.byteLength(JSON.stringify(list)) <= MAX_LIST_BYTES,
      `must not be longer than ${MAX_LIST_BYTES} bytes`,
    )
    .nullish(),
  languages: z.array(languageName).max(100).nullish(),
});

const detectionSchema = z
  .preprocess(
    (value) => (isObject(value) && value.type === undefined ? { type: "server_vad", ...value } : value),
    z.discriminatedUnion("type", [
      z.looseObject({
        type: z.literal("server_vad"),
        threshold: z.number().min(0).max(1).default(0.5),
        prefix_padding_ms: z.number().int().min(0).max(5_000).default(300),
        silence_duration_ms: z.number().int().min(0).max(10_000).default(500),
      }),
      z.looseObject({
        type: z.literal("semantic_vad"),
        eagerness: z.enum(["low", "medium", "high", "auto"]).default("auto"),
      }),
    ]),
  )
  .describe(
    "null: the client commits. semantic_vad waits for 0.5, 1 or 2 s of silence at high, medium and low eagerness",
  );

export const sessionUpdateSchema = z
  .looseObject({
    type: z
      .literal("transcription", "must be transcription: other sessions are not served here")
      .default("transcription"),
    audio: z
      .looseObject({
        input: z
          .looseObject({
            format: formatSchema.nullish(),
            transcription: transcriptionSchema.nullish(),
            noise_reduction: z.looseObject({}).nullish(),
            turn_detection: detectionSchema.nullish(),
          })
          .nullish(),
      })
      .nullish(),
    include: z.array(z.literal(LOGPROBS)).nullish(),
  })
  .refine(
    (session) => JSON.stringify(session).length <= MOST_CHARACTERS,
    `must not be longer than ${MOST_CHARACTERS} characters`,
  );
export type SessionUpdate = z.output<typeof sessionUpdateSchema>;

type Input = NonNullable<NonNullable<SessionUpdate["audio"]>["input"]>;
type TurnDetection = NonNullable<Input["turn_detection"]>;
type Transcription = NonNullable<Input["transcription"]>;

export interface SessionConfig {
  format: NonNullable<Input["format"]>;
  transcription: Transcription;
  noise_reduction: NonNullable<Input["noise_reduction"]> | null;
  /** Undefined: nobody has said yet, and the model's name decides. */
  turn_detection: TurnDetection | null | undefined;
  include: string[];
}

export const newSession: SessionConfig = {
  format: { type: "audio/pcm", rate: realtimeFormats["audio/pcm"].rate },
  transcription: {},
  noise_reduction: null,
  turn_detection: undefined,
  include: [],
};

/** What is not in the update stays; null takes it away. */
export function updated(config: SessionConfig, { audio, include }: SessionUpdate): SessionConfig {
  const { format, transcription, noise_reduction, turn_detection } = audio?.input ?? {};
  return {
    format: format ? { ...format, rate: realtimeFormats[format.type].rate } : config.format,
    transcription: transcription ? withoutNull({ ...config.transcription, ...transcription }) : config.transcription,
    noise_reduction: noise_reduction
      ? { ...config.noise_reduction, ...noise_reduction }
      : kept(noise_reduction, config.noise_reduction),
    turn_detection: kept(turn_detection, config.turn_detection),
    include: kept(include, config.include) ?? [],
  };
}

const byDefault: TurnDetection = {
  type: "server_vad",
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
};

export function detectionOf({ turn_detection, transcription }: SessionConfig): TurnDetection | null {
  if (turn_detection !== undefined) return turn_detection;
  return isCommittedByClients(transcription.model ?? "") ? null : byDefault;
}

/** The session as its client is shown it: all that counts. */
export function shownSession(config: SessionConfig, id: string, expiresAt: number) {
  const { format, transcription, noise_reduction, include } = config;
  return {
    id,
    object: "realtime.transcription_session" as const,
    type: "transcription" as const,
    audio: { input: { format, transcription, noise_reduction, turn_detection: detectionOf(config) } },
    include,
    /** Seconds since the epoch. */
    expires_at: Math.floor(expiresAt / 1_000),
  };
}
export type ShownSession = ReturnType<typeof shownSession>;

/** Without a model that knows when a thought ends, silence decides: a quarter of the longest that OpenAI waits (2, 4, 8 s). */
const eagerSilenceMs = { high: 500, medium: 1_000, auto: 1_000, low: 2_000 } as const;

/** All of them: where an earlier option was another one, this takes its place. */
export function liveOptionsOf(config: SessionConfig) {
  const { language, languages, keywords, prompt } = config.transcription;
  const [only, ...others] = languages ?? [];
  const spoken = findLanguage(language || (others.length === 0 ? (only ?? "") : ""));
  return {
    contentType: `${config.format.type};rate=${realtimeFormats[config.format.type].rate}`,
    language: spoken ?? "auto",
    hotwords: keywords ?? [],
    context: prompt ?? "",
    logprobs: wantsLogprobs(config),
    partials: true,
    ...turnsOf(detectionOf(config)),
  } satisfies Partial<LiveOptions>;
}
export type RealtimeLiveOptions = ReturnType<typeof liveOptionsOf>;

function turnsOf(detection: TurnDetection | null): Pick<LiveOptions, "turns" | "threshold" | "prefixMs" | "silenceMs"> {
  if (detection === null) return { turns: "none" };
  if (detection.type === "semantic_vad") {
    return { turns: "detect", threshold: 0.5, prefixMs: 300, silenceMs: eagerSilenceMs[detection.eagerness] };
  }
  const { threshold, prefix_padding_ms, silence_duration_ms } = detection;
  return {
    turns: "detect",
    threshold: Math.min(0.95, Math.max(0.05, threshold)),
    prefixMs: prefix_padding_ms,
    silenceMs: Math.max(100, silence_duration_ms),
  };
}

export function wantsLogprobs({ include }: Pick<SessionConfig, "include">): boolean {
  return include.includes(LOGPROBS);
}

function kept<New, Old>(given: New | undefined, before: Old): New | Old {
  return given === undefined ? before : given;
}

function withoutNull(fields: Transcription): Transcription {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
