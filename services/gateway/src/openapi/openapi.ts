/** The OpenAPI 3.1 document, made of the same zod schemas that check requests. */
import {
  batchStatusSchema,
  cancelResponseSchema,
  contentTypeOf,
  type ErrorCode,
  errorBodySchema,
  errorTable,
  families,
  gpuStatusSchema,
  healthSchema,
  modelChangeSchema,
  modelConfigSchema,
  modelConfigsSchema,
  modelRequestSchema,
  modelsSchema,
  submitRequestSchema,
  submitResponseSchema,
  transcribeFileResponseSchema,
  transcribeRequestSchema,
  transcribeResponseSchema,
  transcriptSchema,
  uploadResponseSchema,
} from "@parlance/contracts";
import * as z from "zod";
import { speechRequestSchema } from "../speech/speech-request.ts";
import { openaiFormSchema, transcribeFormSchema } from "../transcribe/transcribe-forms.ts";

type Json = Record<string, unknown>;

const requests = {
  SubmitRequest: submitRequestSchema,
  TranscribeRequest: transcribeRequestSchema,
  TranscribeForm: transcribeFormSchema,
  OpenaiForm: openaiFormSchema,
  ModelRequest: modelRequestSchema,
  SpeechRequest: speechRequestSchema,
};
const responses = {
  UploadResponse: uploadResponseSchema,
  SubmitResponse: submitResponseSchema,
  BatchStatus: batchStatusSchema,
  CancelResponse: cancelResponseSchema,
  TranscribeResponse: transcribeResponseSchema,
  TranscribeFileResponse: transcribeFileResponseSchema,
  Transcript: transcriptSchema,
  GpuStatus: gpuStatusSchema,
  Health: healthSchema,
  Models: modelsSchema,
  ModelConfigs: modelConfigsSchema,
  ModelChange: modelChangeSchema,
  ModelConfig: modelConfigSchema,
  ErrorBody: errorBodySchema,
};

const everywhere: ErrorCode[] = ["unauthorized", "host_not_allowed", "internal", "bus_unavailable", "stopping"];
const onBodies: ErrorCode[] = [
  "payload_too_large",
  "unsupported_media_type",
  "validation_failed",
  "body_timeout",
  "overloaded",
];
const onWork: ErrorCode[] = ["operation_unavailable", "queue_full", "storage_full"];
const onAudio: ErrorCode[] = (Object.keys(errorTable) as ErrorCode[]).filter(
  (code) => code.startsWith("audio_") || code.startsWith("engine_") || code === "language_unsupported",
);
const onEngines: ErrorCode[] = ["engine_failed", "engine_out_of_memory"];
const onSpeech: ErrorCode[] = [
  "text_empty",
  "text_too_long",
  "text_unspeakable",
  "voice_unknown",
  "instructions_unsupported",
  "format_unsupported",
  "language_unsupported",
];

export function openapiDocument(): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Parlance",
      version: "0.1.0",
      description:
        "Speech to text and text to speech over NATS JetStream. Errors have one shape and a stable code; answers with 408, 429, 503, 504 and 507 may be tried again, after Retry-After where it is given. The body of POST /api/v1/queue/submit (SubmitRequest) is also what a publisher sends over NATS, as JSON with Content-Type: application/json on speech.submit.<batchId> (a request, answered as here) or speech.intake.<source>.<batchId>; its status, cancelling and files are requests there too.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ apiKey: [] }, { bearer: [] }],
    paths: {
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
        get: operation("status", "What has become of a batch", {
          parameters: [path("batch_id", "From the answer to a submission")],
          answer: json("BatchStatus"),
          errors: ["batch_not_found"],
        }),
      },
      "/api/v1/queue/{batch_id}/cancel": {
        post: operation("cancel", "Cancel what is not done of a batch", {
          parameters: [path("batch_id", "From the answer to a submission")],
          answer: json("CancelResponse"),
          errors: ["batch_not_found"],
        }),
      },
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
      "/v1/audio/transcriptions": {
        post: operation("createTranscription", "Transcribe one audio file, as OpenAI's clients ask for it", {
          body: form({ file: audioFile }, ["file"], "OpenaiForm"),
          answer: {
            "application/json": {
              schema: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
            },
            "text/plain": { schema: { type: "string" } },
          },
          errors: ["invalid_multipart", "request_timeout", "model_not_ready", ...onBodies, ...onWork, ...onAudio],
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
          },
        ),
      },
      "/v1/audio/voices": {
        get: operation("voices", "The voices that can speak", {
          answer: listOf("voices", {
            id: { type: "string" },
            name: { type: "string" },
            gender: { type: "string" },
            language: { type: "string" },
            model: { type: "string" },
            default: { type: "boolean", description: "Whether it speaks when no voice is named" },
          }),
          errors: ["operation_unavailable", "worker_unavailable"],
        }),
      },
      "/v1/models": {
        get: operation("listModels", "The models that the workers have", { answer: listOf("data", model), errors: [] }),
      },
      "/v1/models/{id}": {
        get: operation("retrieveModel", "A model that a worker has", {
          parameters: [path("id", "As the list names it")],
          answer: { "application/json": { schema: { type: "object", properties: model } } },
          errors: ["not_found"],
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
    },
    components: {
      schemas: { ...schemasOf(requests, "input"), ...schemasOf(responses, "output") },
      securitySchemes: {
        apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        bearer: { type: "http", scheme: "bearer" },
      },
    },
  };
}

const onModels: ErrorCode[] = [
  "not_found",
  "worker_unavailable",
  "request_timeout",
  "model_not_found",
  "model_unavailable",
  "storage_full",
  "validation_failed",
  "cancelled",
  "engine_failed",
];

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
  const partial = {
    "206": { description: "The part that Range asks for" },
    "304": { description: "If-None-Match names it" },
  };
  return { ...parts, responses: { ...(parts.responses as Json), ...partial } };
}

const audioFile = { type: "string", format: "binary", description: "WAV, FLAC, MP3, Ogg, Opus, WebM or M4A" };
const binary: Json = { schema: { type: "string", format: "binary" } };
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
};
const probe: Json = {
  "application/json": { schema: { type: "object", properties: { status: { type: "string", const: "ok" } } } },
};

interface OperationParts {
  parameters?: Json[];
  body?: Json;
  answer: Json;
  errors: ErrorCode[];
}

function operation(operationId: string, summary: string, { parameters, body, answer, errors }: OperationParts): Json {
  return {
    operationId,
    summary,
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: body } }),
    responses: { "200": { description: summary, content: answer }, ...errorResponses([...everywhere, ...errors]) },
  };
}

/** One response for each status, which names the codes that come with it. */
function errorResponses(codes: readonly ErrorCode[]): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const entries = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    entries.map(([status, known]) => [
      String(status),
      {
        description: known.map((code) => `\`${code}\`: ${errorTable[code].sentence}`).join("\n\n"),
        ...(status === 429 || status === 503 || status === 507
          ? { headers: { "Retry-After": { description: "Seconds", schema: { type: "integer" } } } }
          : {}),
        content: json("ErrorBody"),
      },
    ]),
  );
}

function json(name: keyof typeof requests | keyof typeof responses): Json {
  return { "application/json": { schema: reference(name) } };
}

function form(files: Json, required: string[], fields?: keyof typeof requests): Json {
  const own = { type: "object", required, properties: files };
  return {
    "multipart/form-data": { schema: fields === undefined ? own : { allOf: [own, reference(fields)] } },
  };
}

function listOf(field: string, properties: Json): Json {
  const items = { type: "object", properties };
  const schema = { type: "object", required: [field], properties: { [field]: { type: "array", items } } };
  return { "application/json": { schema } };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function path(name: string, description: string): Json {
  return { name, in: "path", required: true, description, schema: { type: "string" } };
}

function schemasOf(schemas: Record<string, z.ZodType>, io: "input" | "output"): Json {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
      return [name, rest];
    }),
  );
}
