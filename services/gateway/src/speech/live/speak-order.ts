/** How a socket's text is to be spoken, as its query says it. Pure. */
import {
  abilityProblem,
  languageSchema,
  MAX_INSTRUCTIONS,
  type Operation,
  operationWith,
  requireFormat,
  restNames,
  SPEEDS,
  type SpeechAbilities,
  SpeechError,
  type SpeechFieldNames,
  type SpeechFormat,
  seedSchema,
  warningsOf,
} from "@parlance/contracts";
import * as z from "zod";
import { requireVoiceName } from "../speech-request.ts";

const querySchema = z.object({
  voice: z.string().max(256).optional(),
  language: languageSchema.default("auto"),
  speed: z.coerce.number().min(SPEEDS.slowest).max(SPEEDS.fastest).default(1),
  seed: z.coerce.number().pipe(seedSchema).optional(),
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
  /** Of each sentence. Undefined: one is chosen for the socket. */
  seed: number | undefined;
  format: SpeechFormat;
  /** Of what the query has and means nothing here. */
  warnings: string[];
}

/**
 * Throws what is wrong by the name of its field; `worker_unavailable` when no worker ever answered.
 * @param voice as the workers know it, or a stored one's id
 */
export function readSpeakOrder(
  query: URLSearchParams,
  voice: string | undefined,
  workers: readonly SpeechAbilities[],
): SpeakOrder {
  const asked = Object.fromEntries(query);
  const { language, speed, seed, format: named, instructions } = querySchema.parse(asked);
  const format = requireFormat(named, names.format);
  const operation = operationWith("custom_voice", voice);
  const problem =
    clonedProblem(operation, instructions) ??
    abilityProblem({ operation, voice, instructions, language }, workers, names);
  if (problem !== undefined) throw problem;
  if (workers.length === 0) throw new SpeechError("worker_unavailable", "No text-to-speech worker has answered yet.");
  requireVoiceName(voice);
  const unknown = Object.keys(asked).filter((field) => !(field in querySchema.shape) && !keys.includes(field));
  return { voice, instructions, language, speed, seed, format, warnings: warningsOf(unknown) };
}

function clonedProblem(operation: Operation, instructions: string): SpeechError | undefined {
  if (operation !== "voice_clone" || instructions === "") return undefined;
  const message = `${names.instructions}: cannot be followed by a cloned voice`;
  return new SpeechError("instructions_unsupported", message, { param: names.instructions });
}
