import { expect, it } from "vitest";
import { commit, scriptedSession, types, update } from "./testing/scripted-session.ts";

const T = "conversation.item.input_audio_transcription";

function speaking() {
  const session = scriptedSession();
  session.take(session.machine.begin());
  session.say(update({ turn_detection: null }));
  session.audio(1_000);
  session.told.length = 0;
  return session;
}

it("at the end of its time: what is open is transcribed, then the error is told, then the socket is closed", () => {
  const session = speaking();
  expect(session.pass(3_599_999)).toEqual([]);
  expect(types(session.pass(1))).toEqual(["input_audio_buffer.committed", "conversation.item.added"]);
  expect(session.calls.at(-1)).toEqual({ do: "close" });
  expect(session.audio(100)).toEqual([]);
  session.state({ type: "speech_stopped", itemId: "0", start: 0, end: 1, cause: "close" });
  expect(types(session.done("0", "the last words"))).toEqual([`${T}.delta`, `${T}.completed`]);
  expect(session.closes).toEqual([]);
  expect(types(session.ended())).toEqual(["error"]);
  expect(session.told.at(-1)).toMatchObject({ error: { code: "session_expired", event_id: null } });
  expect(session.closes).toEqual([{ code: 1000, reason: "session_expired" }]);
  expect(session.say(commit)).toEqual([]);
});

it("at the end of its time nobody waits for ever: what is not final by then has failed", () => {
  const session = speaking();
  session.pass(3_600_000);
  session.partial("0", "half");
  expect(session.pass(14_999)).toEqual([]);
  expect(types(session.pass(1))).toEqual([`${T}.failed`, "error"]);
  expect(session.closes).toHaveLength(1);
});

it("one that never spoke is closed at once", () => {
  const session = scriptedSession({ lastsMs: 60_000 });
  session.take(session.machine.begin());
  expect(session.pass(60_000)).toMatchObject([
    { type: "error", error: { message: expect.stringContaining(" 1 min") } },
  ]);
  expect(session.calls).toEqual([]);
  expect(session.closes).toEqual([{ code: 1000, reason: "session_expired" }]);
});

it.each([
  ["session_behind", 1013],
  ["bus_unavailable", 1011],
] as const)(
  "a live session that is over because of %s: what is not final has failed, and the reason is told",
  (code, closed) => {
    const session = speaking();
    session.say(commit);
    session.state({ type: "speech_stopped", itemId: "0", start: 0, end: 1, cause: "finalize" });
    session.audio(500);
    session.say(commit);
    session.done("0", "first");
    const told = session.ended({ code, message: "so it is" });
    expect(types(told)).toEqual([`${T}.failed`, "error"]);
    expect(told).toMatchObject([{ error: { code } }, { error: { code, message: "so it is", event_id: null } }]);
    expect(session.closes).toEqual([{ code: closed, reason: code }]);
  },
);

it("a commit of which nobody tells any more that it was read is over after half a minute", () => {
  const session = speaking();
  session.say(commit);
  session.pass(20_000);
  session.state({ type: "heard", heard: 12_000, position: 0 });
  expect(session.pass(29_999)).toEqual([]);
  expect(session.pass(1)).toMatchObject([{ type: `${T}.completed`, transcript: "" }]);
});
