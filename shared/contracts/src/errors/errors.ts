/**
 * Every error that a caller can meet: a stable code, its HTTP status, whether trying again can help, and a sentence.
 * `toErrorBody` is the one place that turns an error into the JSON that REST answers with (OpenAI's shape).
 */
import * as z from "zod";
import "./sentences.ts";

interface ErrorKind {
  status: number;
  retryable: boolean;
  sentence: string;
}

export const errorTable = {
  invalid_json: {
    status: 400,
    retryable: false,
    sentence: "The body is not valid JSON.",
  },
  invalid_multipart: {
    status: 400,
    retryable: false,
    sentence: "The multipart body could not be read.",
  },
  voice_unknown: {
    status: 400,
    retryable: false,
    sentence: "No loaded model has this voice.",
  },
  reference_text_missing: {
    status: 400,
    retryable: false,
    sentence: "What is said in the reference recording is missing.",
  },
  instructions_unsupported: {
    status: 400,
    retryable: false,
    sentence: "The loaded model does not follow instructions.",
  },
  format_unsupported: {
    status: 400,
    retryable: false,
    sentence: "Speech is not written in this format.",
  },
  operation_unavailable: {
    status: 400,
    retryable: false,
    sentence: "No loaded model can do this operation.",
  },
  unauthorized: {
    status: 401,
    retryable: false,
    sentence: "A valid API key is required (X-API-Key or Authorization: Bearer).",
  },
  host_not_allowed: {
    status: 403,
    retryable: false,
    sentence: "Without API keys only this machine's own programs are answered.",
  },
  not_owner: {
    status: 403,
    retryable: false,
    sentence: "The batch belongs to another publisher.",
  },
  not_found: {
    status: 404,
    retryable: false,
    sentence: "There is nothing here.",
  },
  batch_not_found: {
    status: 404,
    retryable: false,
    sentence: "No batch has this id, or it is older than what is kept.",
  },
  file_not_found: {
    status: 404,
    retryable: false,
    sentence: "No file has this id.",
  },
  voice_not_found: {
    status: 404,
    retryable: false,
    sentence: "No stored voice has this id.",
  },
  voice_deleted: {
    status: 404,
    retryable: false,
    sentence: "The stored voice was deleted before this was spoken.",
  },
  voice_exists: {
    status: 409,
    retryable: false,
    sentence: "A stored voice has this name already.",
  },
  file_expired: {
    status: 404,
    retryable: false,
    sentence: "The file has expired.",
  },
  model_not_found: {
    status: 404,
    retryable: false,
    sentence: "No model has this name, here or at the hub.",
  },
  model_not_ready: {
    status: 503,
    retryable: true,
    sentence: "The model cannot be loaded at the moment.",
  },
  memory_short: {
    status: 503,
    retryable: true,
    sentence: "The device has not enough memory free for the model.",
  },
  model_unavailable: {
    status: 503,
    retryable: true,
    sentence: "The model's files could not be fetched.",
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    sentence: "This method is not allowed here.",
  },
  body_timeout: {
    status: 408,
    retryable: true,
    sentence: "The request did not arrive in time.",
  },
  upgrade_required: {
    status: 426,
    retryable: false,
    sentence: "This path is a WebSocket.",
  },
  headers_too_large: {
    status: 431,
    retryable: false,
    sentence: "The request's headers are larger than the limit.",
  },
  invalid_request: {
    status: 400,
    retryable: false,
    sentence: "The request is not valid HTTP.",
  },
  payload_too_large: {
    status: 413,
    retryable: false,
    sentence: "The body is larger than the limit.",
  },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    sentence: "This content type is not accepted here.",
  },
  validation_failed: {
    status: 422,
    retryable: false,
    sentence: "A field is not valid.",
  },
  idempotency_conflict: {
    status: 422,
    retryable: false,
    sentence: "This Idempotency-Key was used with another body.",
  },
  range_unsatisfiable: {
    status: 416,
    retryable: false,
    sentence: "The file has no such bytes.",
  },
  queue_full: {
    status: 429,
    retryable: true,
    sentence: "The queue is full. Try again later.",
  },
  internal: {
    status: 500,
    retryable: true,
    sentence: "Something went wrong on our side.",
  },
  bus_unavailable: {
    status: 503,
    retryable: true,
    sentence: "NATS cannot be reached.",
  },
  stopping: {
    status: 503,
    retryable: true,
    sentence: "The service is stopping. Try again in a moment.",
  },
  overloaded: {
    status: 503,
    retryable: true,
    sentence: "Too much is being received at the moment. Try again soon.",
  },
  storage_full: {
    status: 507,
    retryable: true,
    sentence: "There is no space left to store this.",
  },
  worker_unavailable: {
    status: 503,
    retryable: true,
    sentence: "No worker that could do this answers.",
  },
  request_timeout: {
    status: 504,
    retryable: true,
    sentence: "The transcript was not ready in time.",
  },
  upload_incomplete: {
    status: 409,
    retryable: false,
    sentence: "Parts of the upload are missing.",
  },
  upload_differs: {
    status: 422,
    retryable: false,
    sentence: "What is stored does not have the checksum that the upload was to have.",
  },
  too_many_sessions: {
    status: 429,
    retryable: true,
    sentence: "As many live sessions are open as may be.",
  },
  session_ended: {
    status: 409,
    retryable: false,
    sentence: "The live session is over.",
  },
  session_idle: {
    status: 408,
    retryable: false,
    sentence: "No audio came for too long, so the live session was closed.",
  },
  session_too_long: {
    status: 413,
    retryable: false,
    sentence: "The live session has reached its longest length.",
  },
  session_behind: {
    status: 429,
    retryable: true,
    sentence: "Audio came faster than it can be heard.",
  },
  frame_invalid: {
    status: 400,
    retryable: false,
    sentence: "A frame of live audio cannot be read.",
  },
  audio_lost: {
    status: 500,
    retryable: false,
    sentence: "The audio of this utterance was lost before it was heard.",
  },
  batch_id_taken: {
    status: 409,
    retryable: false,
    sentence: "Another submission already has this batch id.",
  },

  audio_empty: {
    status: 422,
    retryable: false,
    sentence: "The audio is empty.",
  },
  audio_unsupported: {
    status: 415,
    retryable: false,
    sentence: "This is not an audio format that is supported.",
  },
  audio_corrupt: {
    status: 422,
    retryable: false,
    sentence: "The audio could not be decoded.",
  },
  audio_truncated: {
    status: 422,
    retryable: false,
    sentence: "The audio ends before its header says.",
  },
  audio_invalid_samples: {
    status: 422,
    retryable: false,
    sentence: "The audio holds samples that are not numbers.",
  },
  audio_too_large: {
    status: 413,
    retryable: false,
    sentence: "The audio file is larger than the limit.",
  },
  audio_too_long: {
    status: 413,
    retryable: false,
    sentence: "The audio is longer than the limit.",
  },
  audio_decode_timeout: {
    status: 422,
    retryable: false,
    sentence: "Decoding the audio took too long.",
  },
  text_empty: {
    status: 422,
    retryable: false,
    sentence: "There is no text to speak.",
  },
  text_too_long: {
    status: 422,
    retryable: false,
    sentence: "The text is longer than the limit.",
  },
  text_unspeakable: {
    status: 422,
    retryable: false,
    sentence: "The text holds nothing that can be said.",
  },
  reference_too_short: {
    status: 422,
    retryable: false,
    sentence: "The reference recording is too short to imitate.",
  },
  reference_too_long: {
    status: 422,
    retryable: false,
    sentence: "The reference recording is longer than the limit.",
  },
  reference_without_speech: {
    status: 422,
    retryable: false,
    sentence: "Hardly any speech is heard in the reference recording.",
  },
  reference_clipped: {
    status: 422,
    retryable: false,
    sentence: "The reference recording is clipped: it was recorded too loud.",
  },
  reference_gone: {
    status: 404,
    retryable: false,
    sentence: "The reference recording is no longer kept.",
  },
  language_unsupported: {
    status: 422,
    retryable: false,
    sentence: "The loaded model does not know this language.",
  },

  engine_failed: {
    status: 500,
    retryable: false,
    sentence: "The model failed on this item repeatedly.",
  },
  engine_out_of_memory: {
    status: 500,
    retryable: false,
    sentence: "The item does not fit the device's memory.",
  },
  job_invalid: {
    status: 422,
    retryable: false,
    sentence: "The job message could not be read.",
  },
  cancelled: {
    status: 409,
    retryable: false,
    sentence: "The batch was cancelled.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;
export const errorCodeSchema = z.enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]]);

export const failureSchema = z.object({
  code: errorCodeSchema,
  message: z.string(),
  /** The field that is at fault, where one is. */
  param: z.string().optional(),
});
/** An error as it travels in a payload. */
export type Failure = z.infer<typeof failureSchema>;

export interface SpeechErrorOptions extends ErrorOptions {
  param?: string | undefined;
  retryAfterSeconds?: number | undefined;
  /** Where this one differs from others of its code. */
  retryable?: boolean | undefined;
}

/** The one error class that crosses package borders: everything else about it follows from its code. */
export class SpeechError extends Error {
  override readonly name = "SpeechError";
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message?: string, options: SpeechErrorOptions = {}) {
    super(message ?? errorTable[code].sentence, options);
    this.code = code;
    this.param = options.param;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.retryable = options.retryable ?? errorTable[code].retryable;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  toFailure(): Failure {
    return {
      code: this.code,
      message: this.message,
      ...(this.param === undefined ? {} : { param: this.param }),
    };
  }
}

/** Any error as a SpeechError: zod errors name their first bad field, unknown ones become `internal` without detail. */
export function toSpeechError(error: unknown): SpeechError {
  if (error instanceof SpeechError) return error;
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    const param = issue?.path.map(String).join(".") ?? "";
    const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : "";
    return new SpeechError("validation_failed", `${param || "body"}: ${issue?.message ?? "is not valid"}${more}`, {
      cause: error,
      param: param || undefined,
    });
  }
  return new SpeechError("internal", undefined, { cause: error });
}

export const errorBodySchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: errorCodeSchema,
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

export function toErrorBody(error: SpeechError): ErrorBody {
  return {
    error: {
      message: error.message,
      type:
        error.status >= 500 ? "server_error" : error.status === 401 ? "authentication_error" : "invalid_request_error",
      param: error.param ?? null,
      code: error.code,
    },
  };
}
