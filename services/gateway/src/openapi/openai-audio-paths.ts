/** OpenAI's endpoints for audio and for realtime sessions. What can never succeed there is a 400, whatever its code. */
import { contentTypeOf, type ErrorCode, errorTable } from "@parlance/contracts";
import { statusOf } from "../http/openai-status.ts";
import { onAudio, onBodies, onEngines, onSpeech, onWork } from "./met-errors.ts";
import { audioFile, form, type Json, json, operation } from "./operation.ts";

const binary: Json = { schema: { type: "string", format: "binary" } };
const statusOnAudio = (code: ErrorCode) => statusOf("/v1/audio/", { code, status: errorTable[code].status });

const onTranscription: ErrorCode[] = [
  ...onBodies,
  ...onWork,
  ...onAudio,
  ...(["invalid_multipart", "request_timeout", "model_not_ready"] as const),
  // Of the model that it names.
  ...(["model_not_found", "model_unavailable", "memory_short", "worker_unavailable"] as const),
];

const onSecrets = {
  errors: [
    ...onBodies,
    ...(["invalid_json", "operation_unavailable", "model_not_found", "worker_unavailable", "storage_full"] as const),
  ],
  statusOf: statusOnAudio,
};

const transcriptEvents: Json = {
  "text/event-stream": {
    schema: {
      type: "string",
      description:
        "With `stream`. transcript.text.delta: `delta`, the text from where the last one ended, and `logprobs` where they are asked for; transcript.text.done: `text`, the whole, and what else the JSON answer has, but no usage, and `warnings` of what was asked for and cannot be had; an object with `error` when it breaks off",
    },
  },
};

export function openaiAudioPaths(): Record<string, Json> {
  return {
    "/v1/audio/transcriptions": {
      post: operation("createTranscription", "Transcribe one audio file, as OpenAI's clients ask for it", {
        body: form({ file: audioFile }, ["file"], "TranscriptionForm"),
        answer: { ...texts("TranscriptionJson"), ...transcriptEvents },
        errors: onTranscription,
        statusOf: statusOnAudio,
      }),
    },
    "/v1/audio/transcriptions/stream": {
      post: operation("streamTranscription", "Transcribe one audio file and tell its text while it is recognised", {
        body: form({ file: audioFile }, ["file"], "TranscriptionForm"),
        answer: transcriptEvents,
        errors: onTranscription,
        statusOf: statusOnAudio,
      }),
    },
    "/v1/audio/translations": {
      post: operation("createTranslation", "Say in English what one audio file says, where the model translates", {
        body: form({ file: audioFile }, ["file"], "TranslationForm"),
        answer: texts("TranslationJson"),
        errors: onTranscription,
        statusOf: statusOnAudio,
      }),
    },
    "/v1/audio/speech": {
      post: operation(
        "createSpeech",
        "Speak a text, as OpenAI's clients ask for it: sound flows from its first sentence on",
        {
          body: json("SpeechRequest"),
          answer: {
            ...Object.fromEntries(Object.values(contentTypeOf).map((type) => [type, binary])),
            "text/event-stream": {
              schema: {
                type: "string",
                description:
                  "speech.audio.delta: `audio`, base64; speech.audio.done: `usage`, where input_tokens counts characters and output_tokens seconds; error: `error`, when speech breaks off",
              },
            },
          },
          errors: [
            "invalid_json",
            "request_timeout",
            "model_not_ready",
            "worker_unavailable",
            ...onBodies,
            ...onWork,
            ...onSpeech,
            ...onEngines,
          ],
          statusOf: statusOnAudio,
        },
      ),
    },
    "/v1/realtime": {
      get: operation(
        "realtime",
        "A WebSocket that transcribes as it hears, in the events of OpenAI's realtime transcription sessions",
        {
          parameters: [
            query("model", "The model to transcribe with, where the session names none; the one that runs, or none"),
            query("intent", "transcription, which is all there is"),
          ],
          answer: {},
          errors: ["operation_unavailable", "too_many_sessions", "upgrade_required", "invalid_request"],
        },
      ),
    },
    "/v1/realtime/client_secrets": {
      post: operation(
        "createRealtimeClientSecret",
        "Make a secret for a client that gets no key: with it, it opens realtime sessions for a while",
        { body: json("ClientSecretRequest"), answer: json("ClientSecretAnswer"), ...onSecrets },
      ),
    },
    "/v1/realtime/transcription_sessions": {
      post: operation("createRealtimeTranscriptionSession", "The same, as OpenAI's clients asked for it before", {
        body: json("OlderSessionRequest"),
        answer: json("OlderSessionAnswer"),
        ...onSecrets,
      }),
    },
  };
}

function query(name: string, description: string): Json {
  return { name, in: "query", description, schema: { type: "string" } };
}

/** By `response_format`. */
function texts(name: "TranscriptionJson" | "TranslationJson"): Json {
  const text = { schema: { type: "string" } };
  return { ...json(name, "VerboseJson"), "text/plain": text, "text/vtt": text };
}
