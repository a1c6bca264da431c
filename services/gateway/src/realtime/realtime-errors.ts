/** What a client did wrong, in the codes that OpenAI's realtime clients know. The session goes on behind each of them. */
import { errorTable, type Failure, SpeechError, toSpeechError } from "@parlance/contracts";

export interface Problem {
  type: "invalid_request_error" | "server_error";
  code: string;
  message: string;
  param: string | null;
}

const supported =
  "Only transcription sessions are served here: session.update with type transcription, input_audio_buffer.append, input_audio_buffer.commit and input_audio_buffer.clear.";

const wrong = (code: string, message: string, param: string | null = null): Problem => ({
  type: "invalid_request_error",
  code,
  message,
  param,
});

export const problems = {
  notJson: wrong("invalid_json", "The event is not a JSON object."),
  noType: wrong("missing_required_parameter", "The event has no type.", "type"),
  unknownType: (type: string) =>
    wrong("invalid_value", `The event type ${shown(type)} is not known. ${supported}`, "type"),
  conversation: (what: string, param: string) =>
    wrong("unsupported_session_type", `${what} belongs to conversation sessions. ${supported}`, param),
  audioMissing: wrong("missing_required_parameter", "The event has no audio.", "audio"),
  notBase64: wrong("invalid_value", "audio: is not base64.", "audio"),
  binary: wrong("invalid_value", "Events are JSON texts: audio comes in input_audio_buffer.append, as base64."),
  commitEmpty: (ms: number) =>
    wrong(
      "input_audio_buffer_commit_empty",
      `The input audio buffer is too small to be committed: at least 100ms of audio are expected, and it has ${ms.toFixed(2)}ms.`,
    ),
  formatFixed: wrong(
    "invalid_value",
    "session.audio.input.format: cannot change once audio was sent",
    "session.audio.input.format",
  ),
  expired: (minutes: number) =>
    wrong("session_expired", `The session has reached its longest duration of ${Number(minutes.toFixed(2))} minutes.`),
} as const;

/** @param place of what was checked, within the event */
export function problemOf(error: unknown, place = ""): Problem {
  const known = toSpeechError(error);
  const { code, message, status } = known.code === "internal" ? new SpeechError("internal") : known;
  const whole = place === "" ? null : place.slice(0, -1);
  const param = known.param === undefined ? whole : place + known.param;
  const named = message.replace(
    known.param === undefined ? /^body(?=: )/ : /^(?=\S+: )/,
    known.param === undefined ? (whole ?? "body") : place,
  );
  if (code === "validation_failed") return wrong("invalid_value", named, param);
  return { type: status >= 500 ? "server_error" : "invalid_request_error", code, message: named, param };
}

export function fromFailure({ code, message, param }: Failure): Problem {
  const type = errorTable[code].status >= 500 ? "server_error" : "invalid_request_error";
  return { type, code, message, param: param ?? null };
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
