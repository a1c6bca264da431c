/** Voices: the models' own, and those that callers have stored. */
import { type ErrorCode, errorTable } from "@parlance/contracts";
import { statusOf } from "../http/openai-status.ts";
import { onBodies, onEngines, onReferences, onSpeech, onWork } from "./met-errors.ts";
import { audioFile, form, type Json, json, listOf, operation, path } from "./operation.ts";

const statusOnAudio = (code: ErrorCode) => statusOf("/v1/audio/", { code, status: errorTable[code].status });

export function voicePaths(): Record<string, Json> {
  return {
    "/v1/audio/voices": {
      get: operation("voices", "The voices that can speak", {
        answer: listOf("voices", {
          id: { type: "string" },
          name: { type: "string" },
          gender: { type: "string", description: "Of a model's voice" },
          language: { type: "string" },
          model: { type: "string", description: "Of a model's voice: which one it is" },
          default: { type: "boolean", description: "Whether it speaks when no voice is named" },
          stored: { type: "boolean", description: "True for one that was stored; it has the fields of `Voice` too" },
        }),
        errors: ["operation_unavailable", "worker_unavailable"],
      }),
      post: operation("createVoice", "Store a voice, of a recording or made from a description, until it is deleted", {
        body: { ...form({ audio_sample: audioFile }, ["audio_sample"], "VoiceForm"), ...json("VoiceRequest") },
        answer: json("Voice"),
        errors: [
          ...(["invalid_json", "invalid_multipart", "voice_exists", "request_timeout", "worker_unavailable"] as const),
          "model_not_ready",
          ...[...onBodies, ...onWork, ...onReferences, ...onSpeech, ...onEngines],
        ],
        statusOf: statusOnAudio,
      }),
    },
    "/v1/audio/voices/{voice_id}": {
      delete: operation("deleteVoice", "Delete a stored voice: it speaks no more, whatever waits in the queue", {
        parameters: [path("voice_id", "As the list of voices has it")],
        answer: json("VoiceDeleted"),
        errors: ["operation_unavailable", "voice_not_found"],
        statusOf: statusOnAudio,
      }),
    },
  };
}
