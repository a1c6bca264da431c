/**
 * What OpenAI's published schema (openai/openai-openapi, openapi.yaml) requires of its answers and events with text, as JSON Schema:
 * required keys and their types. Other keys are let be, as its clients let them; `null` is no value of any key.
 */
import { Ajv, type ValidateFunction } from "ajv";

const text = { type: "string" };
const number = { type: "number" };
const logprobs = {
  type: "array",
  items: { type: "object", properties: { token: text, logprob: number, bytes: { type: "array", items: number } } },
};

const durationUsage = {
  type: "object",
  required: ["type", "seconds"],
  properties: { type: { const: "duration" }, seconds: number },
};
const tokenUsage = {
  type: "object",
  required: ["type", "input_tokens", "output_tokens", "total_tokens"],
  properties: { type: { const: "tokens" }, input_tokens: number, output_tokens: number, total_tokens: number },
};

const segment = {
  type: "object",
  required: [
    ...["id", "seek", "start", "end", "text", "tokens", "temperature"],
    ...["avg_logprob", "compression_ratio", "no_speech_prob"],
  ],
  properties: {
    id: { type: "integer" },
    seek: { type: "integer" },
    start: number,
    end: number,
    text,
    tokens: { type: "array", items: { type: "integer" } },
    temperature: number,
    avg_logprob: number,
    compression_ratio: number,
    no_speech_prob: number,
  },
};

const word = {
  type: "object",
  required: ["word", "start", "end"],
  properties: { word: text, start: number, end: number },
};

const verbose = (task: string) => ({
  type: "object",
  required: ["language", "duration", "text"],
  properties: {
    task: { const: task },
    language: { type: "string", pattern: "^[a-z][a-z ,]*$" },
    duration: number,
    text,
    words: { type: "array", items: word },
    segments: { type: "array", items: segment },
    usage: durationUsage,
  },
});

const ajv = new Ajv({ strict: true, allErrors: true });

export const schemas = {
  transcription: ajv.compile({
    type: "object",
    required: ["text"],
    properties: { text, logprobs, usage: { type: "object", anyOf: [durationUsage, tokenUsage] } },
  }),
  verboseTranscription: ajv.compile(verbose("transcribe")),
  translation: ajv.compile({ type: "object", required: ["text"], properties: { text } }),
  verboseTranslation: ajv.compile(verbose("translate")),
  textDelta: ajv.compile({
    type: "object",
    required: ["type", "delta"],
    properties: { type: { const: "transcript.text.delta" }, delta: text, logprobs, segment_id: text },
  }),
  textDone: ajv.compile({
    type: "object",
    required: ["type", "text"],
    properties: {
      type: { const: "transcript.text.done" },
      text,
      logprobs,
      usage: { type: "object", anyOf: [durationUsage, tokenUsage] },
    },
  }),
  error: ajv.compile({
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["message", "type", "param", "code"],
        properties: {
          message: text,
          type: text,
          param: { type: "string", nullable: true },
          code: { type: "string", nullable: true },
        },
      },
    },
  }),
} satisfies Record<string, ValidateFunction>;

/** What an answer lacks of its schema; empty when it is as it should be. */
export function problemsOf(schema: keyof typeof schemas, answer: unknown): string[] {
  const validate: ValidateFunction = schemas[schema];
  if (validate(answer)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
