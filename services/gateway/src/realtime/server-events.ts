/** What a client is told on its socket, in OpenAI's words (RealtimeServerEvent of their client). */
import type { Failure, TokenScore } from "@parlance/contracts";
import type { shownOlder } from "./older-session.ts";
import type { Problem } from "./realtime-errors.ts";
import type { ShownSession } from "./session-config.ts";

const TRANSCRIPTION = "conversation.item.input_audio_transcription";
/** An item is one recording: its only part. */
const CONTENT = { content_index: 0 } as const;

export type ServerEvent =
  | { type: "session.created" | "session.updated"; session: ShownSession }
  | { type: "transcription_session.updated"; session: ReturnType<typeof shownOlder> }
  | { type: "input_audio_buffer.speech_started"; audio_start_ms: number; item_id: string }
  | { type: "input_audio_buffer.speech_stopped"; audio_end_ms: number; item_id: string }
  | { type: "input_audio_buffer.committed"; item_id: string; previous_item_id: string | null }
  | { type: "input_audio_buffer.cleared" }
  | { type: "conversation.item.added"; previous_item_id: string | null; item: ReturnType<typeof itemOf> }
  | { type: `${typeof TRANSCRIPTION}.delta`; item_id: string; content_index: 0; delta: string }
  | ({ type: `${typeof TRANSCRIPTION}.completed`; item_id: string; content_index: 0 } & Completed)
  | { type: `${typeof TRANSCRIPTION}.failed`; item_id: string; content_index: 0; error: FailedTranscription }
  | { type: "error"; error: Problem & { event_id: string | null } };

export interface Completed {
  transcript: string;
  usage: { type: "duration"; seconds: number };
  /** ISO codes of what was heard. */
  languages: { code: string }[];
  /** Where they were asked for; null: the model does not tell them. */
  logprobs?: TokenScore[] | null;
}

type FailedTranscription = { type: string; code: string; message: string; param?: string };

export const serverEvents = {
  delta: (item_id: string, delta: string): ServerEvent => ({
    type: `${TRANSCRIPTION}.delta`,
    item_id,
    ...CONTENT,
    delta,
  }),
  completed: (item_id: string, completed: Completed): ServerEvent => ({
    type: `${TRANSCRIPTION}.completed`,
    item_id,
    ...CONTENT,
    ...completed,
  }),
  failed: (item_id: string, { code, message, param }: Failure): ServerEvent => ({
    type: `${TRANSCRIPTION}.failed`,
    item_id,
    ...CONTENT,
    error: { type: "server_error", code, message, ...(param === undefined ? {} : { param }) },
  }),
  committed: (item_id: string, previous_item_id: string | null): ServerEvent[] => [
    { type: "input_audio_buffer.committed", item_id, previous_item_id },
    { type: "conversation.item.added", previous_item_id, item: itemOf(item_id) },
  ],
  started: (item_id: string, seconds: number): ServerEvent => ({
    type: "input_audio_buffer.speech_started",
    audio_start_ms: Math.round(seconds * 1_000),
    item_id,
  }),
  stopped: (item_id: string, seconds: number): ServerEvent => ({
    type: "input_audio_buffer.speech_stopped",
    audio_end_ms: Math.round(seconds * 1_000),
    item_id,
  }),
  error: (problem: Problem, event_id: string | null): ServerEvent => ({
    type: "error",
    error: { ...problem, event_id },
  }),
} as const;

function itemOf(id: string) {
  return {
    id,
    object: "realtime.item" as const,
    type: "message" as const,
    status: "completed" as const,
    role: "user" as const,
    content: [{ type: "input_audio" as const }],
  };
}
