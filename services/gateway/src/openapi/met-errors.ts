/** The errors that callers can meet, by what they ask for. */
import { type ErrorCode, errorTable } from "@parlance/contracts";

/** What any request can meet. */
export const everywhere: ErrorCode[] = ["unauthorized", "host_not_allowed", "internal", "bus_unavailable", "stopping"];
export const onBodies: ErrorCode[] = [
  "payload_too_large",
  "unsupported_media_type",
  "validation_failed",
  "body_timeout",
  "overloaded",
];
export const onWork: ErrorCode[] = ["operation_unavailable", "queue_full", "storage_full"];
export const onAudio: ErrorCode[] = (Object.keys(errorTable) as ErrorCode[]).filter(
  (code) => code.startsWith("audio_") || code.startsWith("engine_") || code === "language_unsupported",
);
export const onEngines: ErrorCode[] = ["engine_failed", "engine_out_of_memory"];
export const onSpeech: ErrorCode[] = [
  "text_empty",
  "text_too_long",
  "text_unspeakable",
  "voice_unknown",
  "instructions_unsupported",
  "format_unsupported",
  "language_unsupported",
  "voice_not_found",
  "voice_deleted",
  "reference_gone",
  "reference_text_missing",
];
/** Of a recording to imitate. */
export const onReferences: ErrorCode[] = [
  "file_not_found",
  "file_expired",
  ...(Object.keys(errorTable) as ErrorCode[]).filter(
    (code) => code.startsWith("audio_") || code.startsWith("reference_"),
  ),
];

/** What a live session's socket meets, before it is open and on it. */
export const onSessions: ErrorCode[] = [
  "upgrade_required",
  "operation_unavailable",
  "validation_failed",
  "too_many_sessions",
  "session_ended",
  "session_idle",
  "session_too_long",
  "session_behind",
  "frame_invalid",
  "audio_lost",
  "worker_unavailable",
  "batch_not_found",
];

export const onModels: ErrorCode[] = [
  "not_found",
  "worker_unavailable",
  "request_timeout",
  "model_not_found",
  "model_unavailable",
  "memory_short",
  "storage_full",
  "validation_failed",
  "cancelled",
  "engine_failed",
];
