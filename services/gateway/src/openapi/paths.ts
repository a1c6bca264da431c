/** Every path and what it is for, with the errors that its callers can meet. */
import { families } from "@parlance/contracts";
import { onAudio, onBodies, onModels, onSpeech, onWork } from "./met-errors.ts";
import { openaiAudioPaths } from "./openai-audio-paths.ts";
import { operatePaths } from "./operate-paths.ts";
import { audioFile, form, type Json, json, listOf, operation, path } from "./operation.ts";
import { socketPaths } from "./socket-paths.ts";
import { statusParameters } from "./status-parameters.ts";
import { voicePaths } from "./voice-paths.ts";

const model: Json = {
  id: { type: "string" },
  object: { type: "string", const: "model" },
  created: { type: "integer" },
  owned_by: { type: "string" },
  family: { type: "string", enum: [...families] },
  languages: {
    type: "array",
    items: { type: "string" },
    description: "English names of the languages that it knows; absent until the model is on the worker's disk",
  },
  context: {
    type: "boolean",
    description: "Whether it reads the context (or prompt) that comes with audio; absent until it is known",
  },
  translates: {
    type: "boolean",
    description: "Whether it can say in English what is spoken in another language; absent until it is known",
  },
  logprobs: {
    type: "boolean",
    description: "Whether it tells its tokens' log-probabilities; absent until it is known",
  },
};
const probe: Json = {
  "application/json": { schema: { type: "object", properties: { status: { type: "string", const: "ok" } } } },
};

export function paths(): Json {
  return {
    "/api/v1/files/upload": {
      post: operation("upload", "Store an audio file for FILE_TTL seconds", {
        body: form({ file: audioFile }, ["file"]),
        answer: json("UploadResponse"),
        errors: ["invalid_multipart", "audio_empty", "storage_full", ...onBodies],
      }),
    },
    "/api/v1/files/{id}": {
      get: withParts(
        operation("getFile", "Fetch a transcript, spoken audio or an upload", {
          parameters: [
            path("id", "A file_id, or the last part of an item's url"),
            {
              name: "Range",
              in: "header",
              description: "One range of bytes, answered with 206; If-Range takes the ETag of an earlier answer",
              schema: { type: "string" },
            },
          ],
          answer: { ...json("Transcript"), "audio/*": {}, "application/octet-stream": {} },
          errors: ["file_not_found", "file_expired", "range_unsatisfiable"],
        }),
      ),
    },
    "/api/v1/queue/submit": {
      post: operation("submit", "Queue a batch of 1 to 1000 items", {
        parameters: [
          {
            name: "Idempotency-Key",
            in: "header",
            description: "The same key and body give the first answer again",
            schema: { type: "string", maxLength: 255 },
          },
        ],
        body: json("SubmitRequest"),
        answer: json("SubmitResponse"),
        errors: [
          "invalid_json",
          "file_not_found",
          "file_expired",
          "idempotency_conflict",
          ...onBodies,
          ...onWork,
          ...onSpeech,
        ],
      }),
    },
    "/api/v1/queue/status/{batch_id}": {
      get: withUnchanged(
        operation("status", "What has become of a batch", {
          parameters: [path("batch_id", "From the answer to a submission"), ...statusParameters()],
          answer: json("BatchStatus"),
          errors: ["batch_not_found", "validation_failed"],
        }),
      ),
    },
    "/api/v1/queue/{batch_id}/cancel": {
      post: operation("cancel", "Cancel what is not done of a batch", {
        parameters: [path("batch_id", "From the answer to a submission")],
        answer: json("CancelResponse"),
        errors: ["batch_not_found"],
      }),
    },
    ...operatePaths(),
    "/api/v1/transcribe": {
      post: operation("transcribe", "Transcribe uploaded files in one pass and wait for it", {
        body: json("TranscribeRequest"),
        answer: json("TranscribeResponse"),
        errors: [
          "invalid_json",
          "file_not_found",
          "file_expired",
          "request_timeout",
          "model_not_ready",
          ...onBodies,
          ...onWork,
          ...onAudio,
        ],
      }),
    },
    "/api/v1/transcribe/file": {
      post: operation("transcribeFile", "Transcribe one audio file and wait for it", {
        body: form({ audio: audioFile }, ["audio"], "TranscribeForm"),
        answer: json("TranscribeFileResponse"),
        errors: ["invalid_multipart", "request_timeout", "model_not_ready", ...onBodies, ...onWork, ...onAudio],
      }),
    },
    ...openaiAudioPaths(),
    ...socketPaths(),
    ...voicePaths(),
    "/v1/models": {
      get: operation(
        "listModels",
        "The models that a request may name: those that run, and those that are loaded when they are asked for",
        { answer: listOf("data", model), errors: [] },
      ),
    },
    "/v1/models/{id}": {
      get: operation("retrieveModel", "A model that a request may name", {
        parameters: [
          path(
            "id",
            "As the list names it, or a name of OpenAI's that stands for whichever runs; its slashes may be written as %2F",
          ),
        ],
        answer: { "application/json": { schema: { type: "object", properties: model } } },
        errors: ["model_not_found"],
      }),
    },
    "/api/v1/models": {
      get: operation("models", "The models on the workers' disks, and which of them run", {
        answer: json("Models"),
        errors: [],
      }),
    },
    "/api/v1/models/config": {
      get: operation("modelConfig", "The resolved configuration of every worker", {
        answer: json("ModelConfigs"),
        errors: [],
      }),
    },
    "/api/v1/models/{family}/load": { post: changeModel("loadModel", "Load the model, or another one", true) },
    "/api/v1/models/{family}/reload": {
      post: changeModel("reloadModel", "Unload the model, look at its files again and load it", true),
    },
    "/api/v1/models/{family}/unload": {
      post: changeModel("unloadModel", "Unload the model after its running pass", false),
    },
    "/api/v1/gpu": {
      get: operation("gpu", "Who has each accelerator, who waits for it, and what swaps cost", {
        answer: json("GpuStatus"),
        errors: [],
      }),
    },
    "/health": {
      get: {
        ...operation("health", "The model and the device", { answer: json("Health"), errors: [] }),
        security: [],
      },
    },
    "/livez": { get: { ...operation("livez", "The process lives", { answer: probe, errors: [] }), security: [] } },
    "/readyz": {
      get: {
        ...operation("readyz", "NATS and its streams are there, and models can be loaded", {
          answer: probe,
          errors: ["model_not_ready"],
        }),
        security: [],
      },
    },
    "/metrics": {
      get: operation("metrics", "Prometheus metrics", {
        answer: { "text/plain": { schema: { type: "string" } } },
        errors: [],
      }),
    },
    "/openapi.json": {
      get: operation("openapi", "This document", {
        answer: { "application/json": { schema: { type: "object" } } },
        errors: [],
      }),
    },
  };
}

/** Answered 202 with the same body where it takes longer than a minute. */
function changeModel(operationId: string, summary: string, selects: boolean): Json {
  const parts = operation(operationId, summary, {
    parameters: [path("family", "asr or tts")],
    answer: json("ModelChange"),
    errors: selects ? ["invalid_json", "unsupported_media_type", ...onModels] : onModels,
  });
  const { responses: answers } = parts;
  return {
    ...parts,
    requestBody: { required: false, content: json("ModelRequest") },
    responses: { ...(answers as Json), "202": { description: "It is still under way", content: json("ModelChange") } },
  };
}

function withParts(parts: Json): Json {
  const partial = withUnchanged(parts);
  const responses = { ...(partial.responses as Json), "206": { description: "The part that Range asks for" } };
  return { ...partial, responses };
}

function withUnchanged(parts: Json): Json {
  return { ...parts, responses: { ...(parts.responses as Json), "304": { description: "If-None-Match names it" } } };
}
