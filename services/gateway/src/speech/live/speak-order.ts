/** How a socket's text is to be spoken, as its query says it. Pure. */
import {
  abilityProblem,
  languageSchema,
  MAX_INSTRUCTIONS,
  requireFormat,
  restNames,
  SPEEDS,
  type SpeechAbilities,
  SpeechError,
  type SpeechFieldNames,
  type SpeechFormat,
  warningsOf,
} from "@parlance/contracts";
import * as z from "zod";
import { requireVoiceName, resolveVoice } from "../speech-request.ts";

const querySchema = z.object({
  voice: z.string().max(256).optional(),
  language: languageSchema.default("auto"),
  speed: z.coerce.number().min(SPEEDS.slowest).max(SPEEDS.fastest).default(1),
  format: z.string().max(32).default("pcm"),
  instructions: z.string().max(MAX_INSTRUCTIONS).default(""),
  model: z.string().max(256).optional(),
});
/** Where a browser's key stands. */
const keys = ["api_key", "token"];

const names: SpeechFieldNames = { ...restNames, format: "format", operation: "model" };

export interface SpeakOrder {
  /** Undefined: the model's default voice. */
  voice: string | undefined;
  instructions: string;
  /** English name, or `auto`. */
  language: z.output<typeof languageSchema>;
  speed: number;
  format: SpeechFormat;
  /** Of what the query has and means nothing here. */
  warnings: string[];
}

/** Throws what is wrong by the name of its field; `worker_unavailable` when no worker ever answered. */
export function readSpeakOrder(query: URLSearchParams, workers: readonly SpeechAbilities[]): SpeakOrder {
  const asked = Object.fromEntries(query);
  const { voice: name, language, speed, format: named, instructions } = querySchema.parse(asked);
  const format = requireFormat(named, names.format);
  const voice = resolveVoice(name, workers);
  const problem = abilityProblem({ operation: "custom_voice", voice, instructions, language }, workers, names);
  if (problem !== undefined) throw problem;
  if (workers.length === 0) throw new SpeechError("worker_unavailable", "No text-to-speech worker has answered yet.");
  requireVoiceName(voice);
  const unknown = Object.keys(asked).filter((field) => !(field in querySchema.shape) && !keys.includes(field));
  return { voice, instructions, language, speed, format, warnings: warningsOf(unknown) };
}
