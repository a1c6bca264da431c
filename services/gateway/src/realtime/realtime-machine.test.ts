import { describe, expect, it } from "vitest";
import { clear, commit, scriptedSession, types, update } from "./testing/scripted-session.ts";

const T = "conversation.item.input_audio_transcription";
const ofItem = (told: readonly object[], itemId: string) =>
  told.filter((event) => "item_id" in event && event.item_id === itemId);

function opened(input: object = { turn_detection: null }, more: object = {}) {
  const session = scriptedSession();
  session.take(session.machine.begin());
  session.say(update(input, more));
  session.told.length = 0;
  return session;
}

describe("a session", () => {
  it("is shown as it is: what was not said has its defaults, what means nothing is kept", () => {
    const session = scriptedSession();
    expect(session.take(session.machine.begin())).toEqual([
      {
        type: "session.created",
        event_id: "event_1",
        session: {
          id: "sess_1",
          object: "realtime.transcription_session",
          type: "transcription",
          audio: {
            input: {
              format: { type: "audio/pcm", rate: 24_000 },
              transcription: {},
              noise_reduction: null,
              turn_detection: { type: "server_vad", threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
            },
          },
          include: [],
          expires_at: 4_600,
        },
      },
    ]);
    const [updated] = session.say(
      update(
        {
          format: { type: "audio/pcmu" },
          transcription: { language: "de", prompt: "Berlin", delay: "low" },
          noise_reduction: { type: "near_field" },
          turn_detection: { type: "semantic_vad", eagerness: "low", create_response: true },
        },
        { include: ["item.input_audio_transcription.logprobs"] },
      ),
    );
    expect(updated).toMatchObject({
      type: "session.updated",
      session: {
        audio: {
          input: {
            format: { type: "audio/pcmu", rate: 8_000 },
            transcription: { language: "de", prompt: "Berlin", delay: "low" },
            noise_reduction: { type: "near_field" },
            turn_detection: { type: "semantic_vad", eagerness: "low", create_response: true },
          },
        },
        include: ["item.input_audio_transcription.logprobs"],
      },
    });
    session.say(update({ transcription: { prompt: null }, noise_reduction: { strength: 1 } }));
    const [again] = session.say(update({}));
    expect(again).toMatchObject({
      session: {
        audio: {
          input: {
            transcription: { language: "de", delay: "low" },
            noise_reduction: { type: "near_field", strength: 1 },
          },
        },
      },
    });
    expect(JSON.stringify(again)).not.toContain("prompt");
  });

  it("opens its live session with the first audio, with what is wanted by then", () => {
    const session = opened({
      format: { type: "audio/pcma" },
      transcription: { languages: ["fr"], keywords: ["Parlance"], prompt: "names" },
      turn_detection: { type: "server_vad", threshold: 0.99, prefix_padding_ms: 600, silence_duration_ms: 350 },
    });
    expect(session.calls).toEqual([]);
    session.audio(50, 8);
    expect(session.calls).toEqual([
      {
        do: "open",
        options: {
          contentType: "audio/pcma;rate=8000",
          language: "French",
          hotwords: ["Parlance"],
          context: "names",
          logprobs: false,
          partials: true,
          turns: "detect",
          threshold: 0.95,
          prefixMs: 600,
          silenceMs: 350,
        },
      },
      { do: "audio", audio: Buffer.alloc(400) },
    ]);
    session.say(update({ transcription: { language: "en" } }));
    expect(session.calls.at(-1)).toMatchObject({ do: "update", options: { language: "English" } });
  });

  it.each([
    ["high", 500],
    ["medium", 1_000],
    ["auto", 1_000],
    ["low", 2_000],
  ])("of %s eagerness ends an utterance after %i ms of silence", (eagerness, silenceMs) => {
    const session = opened({ turn_detection: { type: "semantic_vad", eagerness } });
    session.audio(10);
    expect(session.calls[0]).toMatchObject({ do: "open", options: { turns: "detect", silenceMs } });
  });

  it.each(["gpt-realtime-whisper", "gpt-live-transcribe-2026-01-01"])(
    "of %s is not cut by silence, unless it is asked for",
    (model) => {
      const session = scriptedSession();
      session.take(session.machine.begin());
      session.say(update({ transcription: { model } }));
      expect(session.found).toEqual([model]);
      expect(session.take(session.machine.modelFound())).toMatchObject([
        { session: { audio: { input: { turn_detection: null, transcription: { model } } } } },
      ]);
      expect(session.say(update({ turn_detection: { type: "server_vad" } }))).toMatchObject([
        { session: { audio: { input: { turn_detection: { type: "server_vad" } } } } },
      ]);
    },
  );

  it("sends audio on in frames of whole samples, however it was cut", () => {
    const session = opened();
    const audio = Buffer.from(Array.from({ length: 300_001 }, (_, n) => n % 251));
    for (let at = 0; at < audio.length; at += 99_999) {
      session.say({ type: "input_audio_buffer.append", audio: audio.subarray(at, at + 99_999).toString("base64") });
    }
    const frames = session.calls.flatMap((call) => (call.do === "audio" ? [call.audio] : []));
    expect(Buffer.concat(frames).equals(audio.subarray(0, 300_000))).toBe(true);
    for (const { length } of frames) {
      expect(length % 2).toBe(0);
      expect(length).toBeLessThanOrEqual(96_000);
    }
  });

  it("takes audio before its update is answered: what a client says waits while its model is looked for", () => {
    const session = scriptedSession();
    session.take(session.machine.begin());
    session.say(update({ transcription: { model: "some-model" }, format: { type: "audio/pcmu" } }));
    expect(session.machine.waiting).toBe(true);
    session.audio(200, 8);
    expect([session.say(commit), session.calls]).toEqual([[], []]);
    expect(types(session.take(session.machine.modelFound()))).toEqual([
      "session.updated",
      "input_audio_buffer.committed",
      "conversation.item.added",
    ]);
    expect(session.calls.map((call) => call.do)).toEqual(["open", "audio", "finalize"]);
  });

  it("an unknown model is told with the event that named it, and nothing of its update counts", () => {
    const session = opened();
    session.say({
      ...update({ transcription: { model: "nobody" }, format: { type: "audio/pcmu" } }),
      event_id: "mine",
    });
    const problem = { type: "invalid_request_error" as const, code: "model_not_found", message: "no", param: "model" };
    expect(session.take(session.machine.modelFound(problem))).toMatchObject([
      { type: "error", error: { ...problem, event_id: "mine" } },
    ]);
    session.audio(10);
    expect(session.calls[0]).toMatchObject({ options: { contentType: "audio/pcm;rate=24000" } });
  });

  it("has the model of its address, or of its secret; one that is not there is told, and named no more", () => {
    const session = scriptedSession({ model: "nobody" });
    expect(session.take(session.machine.begin())).toMatchObject([
      { session: { audio: { input: { transcription: { model: "nobody" } } } } },
    ]);
    expect(session.found).toEqual(["nobody"]);
    session.take(
      session.machine.modelFound({
        type: "invalid_request_error",
        code: "model_not_found",
        message: "no",
        param: null,
      }),
    );
    expect(session.told.at(-1)).toMatchObject({ type: "error", error: { event_id: null } });
    expect(JSON.stringify(session.say(update({})))).not.toContain("nobody");
  });
});

describe("a turn that its client commits", () => {
  it("has its id from its first sample on: deltas, committed, completed; the next one follows it", () => {
    const session = opened();
    session.audio(1_000);
    session.state({ type: "speech_started", itemId: "0", start: 0.1 });
    const [delta] = session.partial("0", "hello");
    expect(delta).toMatchObject({ type: `${T}.delta`, content_index: 0, delta: "hello" });
    const itemId = delta !== undefined && "item_id" in delta ? delta.item_id : "";
    expect(session.say(commit)).toMatchObject([
      { type: "input_audio_buffer.committed", item_id: itemId, previous_item_id: null },
      { type: "conversation.item.added", previous_item_id: null, item: { id: itemId, role: "user" } },
    ]);
    expect(session.calls.at(-1)).toEqual({ do: "finalize" });
    expect(session.state({ type: "speech_stopped", itemId: "0", start: 0.1, end: 1, cause: "finalize" })).toEqual([]);
    expect(session.done("0", "hello world", { seconds: 0.9 })).toMatchObject([
      { type: `${T}.delta`, item_id: itemId, delta: " world" },
      {
        type: `${T}.completed`,
        item_id: itemId,
        transcript: "hello world",
        usage: { type: "duration", seconds: 0.9 },
        languages: [{ code: "en" }],
      },
    ]);
    session.audio(200);
    const [next] = session.say(commit);
    expect(next).toMatchObject({ previous_item_id: itemId });
    expect(next).not.toMatchObject({ item_id: itemId });
    expect(types(session.told)).not.toContain("input_audio_buffer.speech_started");
  });

  it("in which nothing was said is completed with nothing, as soon as it is heard", () => {
    const session = opened();
    session.audio(1_500);
    session.say(commit);
    expect(session.state({ type: "heard", heard: 24_000, position: 0 })).toEqual([]);
    expect(session.state({ type: "heard", heard: 36_000, position: 0 })).toMatchObject([
      { type: `${T}.completed`, transcript: "", usage: { seconds: 1.5 }, languages: [] },
    ]);
  });

  it("that is longer than an utterance may be is one item all the same", () => {
    const session = opened();
    session.audio(40_000);
    session.partial("0", "one");
    session.state({ type: "speech_stopped", itemId: "0", start: 0, end: 25, cause: "length" });
    session.partial("1", "two", 25);
    session.say(commit);
    session.state({ type: "speech_stopped", itemId: "1", start: 25, end: 40, cause: "finalize" });
    session.done("1", "two three", { seconds: 15 });
    session.done("0", "one", { seconds: 25 });
    const deltas = session.told.flatMap((event) => ("delta" in event ? [event.delta] : []));
    expect(deltas.join("")).toBe("one two three");
    expect(session.told.at(-1)).toMatchObject({ transcript: "one two three", usage: { seconds: 40 } });
    expect(session.told.filter(({ type }) => type === "input_audio_buffer.committed")).toHaveLength(1);
  });

  it("is told as it is where the final says otherwise than its deltas", () => {
    const session = opened();
    session.audio(500);
    session.partial("0", "to bee");
    session.say(commit);
    session.state({ type: "speech_stopped", itemId: "0", start: 0, end: 0.5, cause: "finalize" });
    expect(session.done("0", "To be.")).toMatchObject([{ type: `${T}.completed`, transcript: "To be." }]);
  });

  it("fails alone: the next one completes", () => {
    const session = opened();
    session.audio(500);
    session.say(commit);
    session.state({ type: "speech_stopped", itemId: "0", start: 0, end: 0.5, cause: "finalize" });
    const failure = { code: "engine_failed" as const, message: "it failed" };
    expect(session.take(session.machine.done("0", { failure }))).toMatchObject([
      { type: `${T}.failed`, content_index: 0, error: { code: "engine_failed", message: "it failed" } },
    ]);
    session.audio(500);
    session.say(commit);
    session.state({ type: "speech_stopped", itemId: "1", start: 0.5, end: 1, cause: "finalize" });
    expect(session.done("1", "again").at(-1)).toMatchObject({ type: `${T}.completed`, transcript: "again" });
  });

  it("with log-probabilities has them, or null where the model tells none", () => {
    const session = opened({ turn_detection: null }, { include: ["item.input_audio_transcription.logprobs"] });
    const logprobs = [{ token: "a", logprob: -0.5, bytes: [97] }];
    for (const [n, given] of [{ logprobs }, {}].entries()) {
      session.audio(500);
      session.say(commit);
      session.state({ type: "speech_stopped", itemId: `${n}`, start: n / 2, end: n / 2 + 0.5, cause: "finalize" });
      session.take(session.machine.done(`${n}`, { transcript: { text: "a", language: "", ...given } }));
    }
    const completed = session.told.filter(({ type }) => type === `${T}.completed`);
    expect(completed).toMatchObject([{ logprobs }, { logprobs: null, languages: [] }]);
  });

  it("is refused under 100 ms, with the client's event, and what is buffered stays", () => {
    const session = opened();
    expect(session.say({ ...commit, event_id: "mine" })).toMatchObject([
      { error: { type: "invalid_request_error", code: "input_audio_buffer_commit_empty", event_id: "mine" } },
    ]);
    session.audio(99);
    expect(session.say(commit)).toMatchObject([{ error: { code: "input_audio_buffer_commit_empty" } }]);
    session.audio(1);
    expect(types(session.say(commit))).toContain("input_audio_buffer.committed");
    expect(session.say(commit)).toMatchObject([{ type: "error" }]);
  });

  it("that is cleared is not told, nor is what was heard of it", () => {
    const session = opened();
    session.audio(500);
    session.state({ type: "speech_started", itemId: "0", start: 0 });
    expect(types(session.say(clear))).toEqual(["input_audio_buffer.cleared"]);
    expect(session.calls.at(-1)).toEqual({ do: "finalize" });
    session.partial("0", "never mind");
    session.state({ type: "speech_stopped", itemId: "0", start: 0, end: 0.5, cause: "finalize" });
    session.done("0", "never mind");
    expect(session.say(commit)).toMatchObject([{ type: "error", error: { code: "input_audio_buffer_commit_empty" } }]);
    session.audio(500);
    session.partial("1", "this", 0.5);
    session.say(commit);
    session.state({ type: "speech_stopped", itemId: "1", start: 0.5, end: 1, cause: "finalize" });
    session.done("1", "this");
    const text = JSON.stringify(session.told);
    expect(text).not.toContain("never");
    expect(session.told.at(-1)).toMatchObject({ transcript: "this" });
  });
});

describe("a turn that a silence ends", () => {
  const detected = () => opened({ turn_detection: { type: "server_vad" } });

  it("is told from its beginning, prefix included, to its end, silence included", () => {
    const session = detected();
    session.audio(3_000);
    const [started] = session.state({ type: "speech_started", itemId: "0", start: 0.7 });
    expect(started).toMatchObject({ type: "input_audio_buffer.speech_started", audio_start_ms: 700 });
    const itemId = started !== undefined && "item_id" in started ? started.item_id : "";
    session.partial("0", "yes", 0.7);
    expect(
      session.state({ type: "speech_stopped", itemId: "0", start: 0.7, end: 2.4321, cause: "silence" }),
    ).toMatchObject([
      { type: "input_audio_buffer.speech_stopped", audio_end_ms: 2_432, item_id: itemId },
      { type: "input_audio_buffer.committed", item_id: itemId, previous_item_id: null },
      { type: "conversation.item.added", item: { id: itemId } },
    ]);
    session.done("0", "Yes.");
    session.state({ type: "speech_started", itemId: "1", start: 2.9 });
    session.state({ type: "speech_stopped", itemId: "1", start: 2.9, end: 3.5, cause: "length" });
    expect(session.told.at(-1)).toMatchObject({ previous_item_id: itemId });
    expect(types(ofItem(session.told, itemId) as typeof session.told)).toEqual([
      "input_audio_buffer.speech_started",
      `${T}.delta`,
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      `${T}.completed`,
    ]);
  });

  it("and was no speech is completed with nothing; its utterance's id goes to the next one", () => {
    const session = detected();
    session.audio(3_000);
    session.state({ type: "speech_started", itemId: "0", start: 0 });
    expect(types(session.state({ type: "dropped", itemId: "0", start: 0, end: 0.4 }))).toEqual([
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
      `${T}.completed`,
    ]);
    session.state({ type: "speech_started", itemId: "0", start: 1 });
    session.state({ type: "speech_stopped", itemId: "0", start: 1, end: 2, cause: "silence" });
    expect(session.done("0", "now").at(-1)).toMatchObject({ type: `${T}.completed`, transcript: "now" });
  });

  it("may be committed by its client before: once, and what was said until then is of it", () => {
    const session = detected();
    session.audio(1_000);
    session.state({ type: "speech_started", itemId: "0", start: 0.2 });
    expect(types(session.say(commit))).toEqual([
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
    ]);
    expect(session.state({ type: "speech_stopped", itemId: "0", start: 0.2, end: 0.9, cause: "silence" })).toEqual([]);
    expect(session.done("0", "so far")).toMatchObject([{ delta: "so far" }]);
    expect(session.state({ type: "heard", heard: 24_000, position: 0 })).toMatchObject([
      { type: `${T}.completed`, transcript: "so far" },
    ]);
  });

  it("is told again by nobody who takes the session over", () => {
    const session = detected();
    session.audio(2_000);
    const start = { type: "speech_started", itemId: "0", start: 0.2 } as const;
    const stop = { type: "speech_stopped", itemId: "0", start: 0.2, end: 1, cause: "silence" } as const;
    for (const state of [start, start, stop, start, stop]) session.state(state);
    session.done("0", "once");
    session.state(stop);
    session.partial("0", "once more");
    session.done("0", "once");
    expect(types(session.told)).toEqual([
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
      `${T}.delta`,
      `${T}.completed`,
    ]);
  });

  it("of which nothing was told is told with its final", () => {
    const session = detected();
    session.audio(2_000);
    expect(types(session.done("0", "missed"))).toEqual([
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
      `${T}.delta`,
      `${T}.completed`,
    ]);
  });

  it("what was buffered before silence was to end turns is committed", () => {
    const session = opened();
    session.audio(500);
    expect(types(session.say(update({ turn_detection: { type: "server_vad" } })))).toEqual([
      "input_audio_buffer.committed",
      "conversation.item.added",
      "session.updated",
    ]);
    expect(session.calls.map((call) => call.do)).toEqual(["open", "audio", "finalize", "update"]);
    session.state({ type: "speech_stopped", itemId: "0", start: 0, end: 0.5, cause: "finalize" });
    session.state({ type: "speech_started", itemId: "1", start: 0.6 });
    expect(session.told.at(-1)).toMatchObject({ type: "input_audio_buffer.speech_started", audio_start_ms: 600 });
  });
});
