import { describe, expect, it } from "vitest";
import { commit, scriptedSession, types, update } from "./testing/scripted-session.ts";

const append = (audio: unknown) => ({ type: "input_audio_buffer.append", audio });

describe("what a client does wrong is told with its event, and the session goes on", () => {
  it.each<[string, object, { code: string; param: string | null }]>([
    ["no type", {}, { code: "missing_required_parameter", param: "type" }],
    ["a type that is no text", { type: 7 }, { code: "missing_required_parameter", param: "type" }],
    ["an unknown event", { type: "input_audio.appendix" }, { code: "invalid_value", param: "type" }],
    ["a conversation's event", { type: "response.create" }, { code: "unsupported_session_type", param: "type" }],
    [
      "a conversation's session",
      { type: "session.update", session: { type: "realtime" } },
      { code: "unsupported_session_type", param: "session.type" },
    ],
    [
      "another session",
      { type: "session.update", session: { type: "translation" } },
      { code: "invalid_value", param: "session.type" },
    ],
    ["no session", { type: "session.update" }, { code: "invalid_value", param: "session" }],
    [
      "a rate that is not served",
      update({ format: { type: "audio/pcm", rate: 16_000 } }),
      { code: "invalid_value", param: "session.audio.input.format.rate" },
    ],
    [
      "a format that is not served",
      update({ format: { type: "audio/opus" } }),
      { code: "invalid_value", param: "session.audio.input.format.type" },
    ],
    [
      "a language that is none",
      update({ transcription: { language: "klingon" } }),
      { code: "invalid_value", param: "session.audio.input.transcription.language" },
    ],
    [
      "a threshold out of range",
      update({ turn_detection: { type: "server_vad", threshold: 2 } }),
      { code: "invalid_value", param: "session.audio.input.turn_detection.threshold" },
    ],
    [
      "a prompt without an end",
      update({ transcription: { prompt: "a".repeat(5_000) } }),
      { code: "invalid_value", param: "session.audio.input.transcription.prompt" },
    ],
    ["a session without an end", update({}, { more: "a".repeat(70_000) }), { code: "invalid_value", param: "session" }],
    ["no audio", append(undefined), { code: "missing_required_parameter", param: "audio" }],
    ["audio that is not base64", append("ab*="), { code: "invalid_value", param: "audio" }],
    ["audio that is cut off", append("abc"), { code: "invalid_value", param: "audio" }],
    ["an early commit", commit, { code: "input_audio_buffer_commit_empty", param: null }],
    [
      "an older session with an unknown format",
      { type: "transcription_session.update", session: { input_audio_format: "mp3" } },
      { code: "invalid_value", param: "session.input_audio_format" },
    ],
  ])("%s", (_what, event, { code, param }) => {
    const session = scriptedSession();
    session.take(session.machine.begin());
    const told = session.say({ ...event, event_id: "event_of_mine" });
    expect(told).toMatchObject([
      { type: "error", error: { type: "invalid_request_error", code, param, event_id: "event_of_mine" } },
    ]);
    session.say(update({ turn_detection: null }));
    session.audio(200);
    expect(types(session.say(commit))).toContain("input_audio_buffer.committed");
    expect(session.closes).toEqual([]);
  });

  it.each(["", "nothing", "[]", "7", "null"])("a text that is no event: %j", (text) => {
    const session = scriptedSession();
    expect(session.take(session.machine.fromClient(text))).toMatchObject([
      { type: "error", error: { code: "invalid_json", event_id: null } },
    ]);
  });

  it("a format that changes behind the first audio", () => {
    const session = scriptedSession();
    session.audio(20);
    expect(session.say({ ...update({ format: { type: "audio/pcmu" } }), event_id: "e" })).toMatchObject([
      { error: { code: "invalid_value", param: "session.audio.input.format", event_id: "e" } },
    ]);
    expect(types(session.say(update({ format: { type: "audio/pcm", rate: 24_000 } })))).toEqual(["session.updated"]);
  });
});

it("a session in its older words is understood, and shown in them", () => {
  const session = scriptedSession();
  const told = session.say({
    type: "transcription_session.update",
    session: {
      input_audio_format: "g711_ulaw",
      input_audio_transcription: { language: "en", prompt: "names" },
      turn_detection: null,
    },
  });
  expect(told).toMatchObject([
    {
      type: "transcription_session.updated",
      session: {
        input_audio_format: "g711_ulaw",
        input_audio_transcription: { language: "en", prompt: "names" },
        turn_detection: null,
      },
    },
  ]);
  session.audio(100, 8);
  expect(session.calls[0]).toMatchObject({
    options: { contentType: "audio/pcmu;rate=8000", language: "English", context: "names", turns: "none" },
  });
});
