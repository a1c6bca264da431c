/** What a caller of POST /v1/audio/speech may ask for: OpenAI's fields, `language`, and `instruct` as Qwen3-TTS's servers call it. */
import {
  languageSchema,
  operationWith,
  requireFormat,
  restNames,
  SPEEDS,
  type SpeechAbilities,
  SpeechError,
  type SpeechFieldNames,
  type SpeechFormat,
  seedField,
  tokenSchema,
} from "@parlance/contracts";
import * as z from "zod";
import { requireSpeakable } from "../models/speech-models.ts";

/** OpenAI's voices: programs name them without asking which there are. Here each is the loaded model's default voice. */
export const openaiVoices = [
  "alloy",
  "ash",
  "ballad",
  "cedar",
  "coral",
  "echo",
  "fable",
  "marin",
  "nova",
  "onyx",
  "sage",
  "shimmer",
  "verse",
] as const;

const forTheQueue = z
  .never("is for POST /api/v1/queue/submit, or POST /v1/audio/voices: here only voices speak that are there")
  .optional();

export const speechRequestSchema = z.object({
  input: z.string("must be a text").describe("The text to speak, 1 to 4096 characters"),
  model: z.string().max(256).optional().describe("Accepted and ignored: the loaded model speaks"),
  voice: z
    .union([z.string(), z.object({ id: z.string() })], "must be the name of a voice, or an object with its id")
    .optional()
    .describe(
      `One of the voices of GET /v1/audio/voices, a stored one by its id or name. ${openaiVoices.join(", ")} mean the model's default voice, as does none`,
    ),
  response_format: z
    .string()
    .max(32)
    .default("mp3")
    .describe("mp3, opus (in Ogg), flac, wav or pcm (24 kHz, signed 16-bit little-endian, mono); aac is not available"),
  speed: z.number().min(SPEEDS.slowest).max(SPEEDS.fastest).default(1).describe("1 is the voice's own pace"),
  stream_format: z
    .enum(["audio", "sse"])
    .default("audio")
    .describe("sse: events speech.audio.delta and speech.audio.done instead of a file"),
  seed: seedField.describe(`${seedField.description}, in the header Parlance-Seed`),
  instructions: z
    .string()
    .optional()
    .describe("How to say it; refused when the loaded model does not follow instructions"),
  instruct: z.string().optional().describe("Another name of instructions"),
  language: languageSchema.default("auto").describe("A language by name or ISO code, or auto"),
  ref_audio: forTheQueue,
  ref_text: forTheQueue,
});

export type SpeechRequest = z.output<typeof speechRequestSchema>;

const names: SpeechFieldNames = { ...restNames, text: "input", operation: "model" };

export interface SpeechOrder {
  text: string;
  /** Undefined: the model's default voice. */
  voice: string | undefined;
  instructions: string;
  language: z.output<typeof languageSchema>;
  speed: number;
  /** Undefined: one is chosen. */
  seed: number | undefined;
  format: SpeechFormat;
  streamFormat: "audio" | "sse";
}

/** As the caller names it. */
export function voiceOf({ voice }: SpeechRequest): string | undefined {
  return typeof voice === "object" ? voice.id : voice;
}

/**
 * Throws what is wrong with the request by the name of its field; `worker_unavailable` when no worker ever answered.
 * @param voice as the workers know it, or a stored one's id
 */
export function readSpeechOrder(
  request: SpeechRequest,
  voice: string | undefined,
  workers: readonly SpeechAbilities[],
): SpeechOrder {
  const { input: text, language, speed, seed, stream_format: streamFormat } = request;
  if (request.instruct !== undefined && request.instruct !== (request.instructions ?? request.instruct)) {
    throw new SpeechError("validation_failed", "instruct: is another name of instructions, and they differ", {
      param: "instruct",
    });
  }
  const format = requireFormat(request.response_format, names.format);
  const instructions = request.instructions ?? request.instruct ?? "";
  const wishes = { hasReference: false, referenceText: "", xVectorOnly: false };
  const operation = operationWith("custom_voice", voice);
  requireSpeakable({ ...wishes, operation, text, voice, instructions, language }, workers, names);
  if (workers.length === 0) throw new SpeechError("worker_unavailable", "No text-to-speech worker has answered yet.");
  requireVoiceName(voice);
  return { text, voice, instructions, language, speed, seed, format, streamFormat };
}

/** What the pipeline says of an item's text, its caller knows as `input`, or by another name. */
export function inRequestNames(error: SpeechError, name: string = names.text): SpeechError {
  if (error.param === undefined || !/^(?:items\.\d+\.)?text$/.test(error.param)) return error;
  const message = error.message.replace(/^(?:items\.\d+\.)?text: /, `${name}: `);
  return new SpeechError(error.code, message, { param: name, cause: error });
}

/** Workers that do not tell their voices leave any name to be tried that a job could carry. */
export function requireVoiceName(voice: string | undefined): void {
  if (voice === undefined || tokenSchema.safeParse(voice).success) return;
  const message = `voice: ${JSON.stringify(voice.slice(0, 64))} is not a voice`;
  throw new SpeechError("voice_unknown", message, { param: "voice" });
}

/** The voice as the workers know it; undefined: their default. */
export function resolveVoice(voice: string | undefined, workers: readonly SpeechAbilities[]): string | undefined {
  const isOpenai = openaiVoices.some((name) => name === voice);
  const isOwn = workers.some(({ voices = [] }) => voices.some(({ id }) => id === voice));
  return isOpenai && !isOwn ? undefined : voice;
}
