import fc from "fast-check";
import { expect, it } from "vitest";
import type { ServerEvent } from "./server-events.ts";
import { createLiveModel } from "./testing/live-model.ts";
import { clear, commit, scriptedSession, update } from "./testing/scripted-session.ts";

const append = (ms: number, speech: boolean) => ({
  type: "input_audio_buffer.append",
  audio: Buffer.alloc(ms * 8, speech ? 1 : 0).toString("base64"),
});

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ say: fc.tuple(fc.integer({ min: 20, max: 900 }), fc.boolean()) }) },
  { weight: 2, arbitrary: fc.constant({ event: commit }) },
  { weight: 1, arbitrary: fc.constant({ event: clear }) },
  { weight: 1, arbitrary: fc.constantFrom("server_vad", "none").map((turns) => ({ turns })) },
  { weight: 6, arbitrary: fc.record({ news: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ final: fc.nat(5) }) },
);

const T = "conversation.item.input_audio_transcription";
type Of<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;
const all = <Type extends ServerEvent["type"]>(told: readonly ServerEvent[], type: Type): Of<Type>[] =>
  told.filter((event): event is Of<Type> => event.type === type);

function run(steps: readonly object[], end: (session: ReturnType<typeof scriptedSession>) => void) {
  const session = scriptedSession();
  const live = createLiveModel(8_000, 0.3, 0.1);
  let called = 0;
  const follow = () => {
    for (const call of session.calls.slice(called)) live.take(call);
    called = session.calls.length;
  };
  const news = (count: number) => {
    for (const tell of live.news.splice(0, count)) tell(session);
    follow();
  };
  session.take(session.machine.begin());
  session.say(update({ format: { type: "audio/pcmu" } }));
  for (const each of steps) {
    if ("say" in each && Array.isArray(each.say)) session.say(append(each.say[0], each.say[1]));
    else if ("event" in each && typeof each.event === "object" && each.event !== null) session.say(each.event);
    else if ("turns" in each)
      session.say(update({ turn_detection: each.turns === "none" ? null : { type: "server_vad" } }));
    else if ("news" in each) news(Number(each.news));
    else if ("final" in each) live.finals.splice(Number(each.final), 1)[0]?.(session);
    follow();
  }
  end(session);
  follow();
  while (live.news.length > 0) news(1);
  for (const tell of live.finals.splice(0).reverse()) tell(session);
  return { session, live };
}

it("every item that was told is committed once, in a row, and ends once; its deltas begin what it is, or are replaced", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { session } = run(steps, () => undefined);
      const { told } = session;
      expect(new Set(told.map(({ event_id }) => event_id)).size).toBe(told.length);
      const committed = all(told, "input_audio_buffer.committed");
      const ids = committed.map(({ item_id }) => item_id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(committed.map(({ previous_item_id }) => previous_item_id)).toEqual([null, ...ids].slice(0, ids.length));
      const completed = all(told, `${T}.completed`);
      expect(completed.map(({ item_id }) => item_id).sort()).toEqual([...ids].sort());
      for (const { item_id, transcript } of completed) {
        const deltas = all(told, `${T}.delta`).filter((event) => event.item_id === item_id);
        const text = deltas.map(({ delta }) => delta).join("");
        expect(deltas.every(({ delta }) => delta !== "")).toBe(true);
        expect(text === transcript || !transcript.startsWith(text)).toBe(true);
        const first = told.findIndex((event) => "item_id" in event && event.item_id === item_id);
        const last = told.findLastIndex((event) => "item_id" in event && event.item_id === item_id);
        expect(told[last]?.type).toBe(`${T}.completed`);
        expect(first).toBeLessThan(last);
      }
    }),
    { numRuns: 400 },
  );
});

it("what is told of speech is told in pairs, in the order of time", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { session } = run(steps, ({ machine, take, pass }) => {
        take(machine.tick());
        pass(3_600_000);
      });
      const pairs = session.told.filter(
        (event) =>
          event.type === "input_audio_buffer.speech_started" || event.type === "input_audio_buffer.speech_stopped",
      );
      let at = 0;
      for (const [n, event] of pairs.entries()) {
        const started = event.type === "input_audio_buffer.speech_started";
        expect(started).toBe(n % 2 === 0);
        const ms = "audio_start_ms" in event ? event.audio_start_ms : event.audio_end_ms;
        expect(ms).toBeGreaterThanOrEqual(at);
        at = ms;
      }
      expect(session.closes).toEqual([{ code: 1000, reason: "session_expired" }]);
    }),
    { numRuns: 200 },
  );
});

it("of what was said and committed, nothing is lost, doubled or in another turn's text", () => {
  const turns = fc.array(fc.array(fc.tuple(fc.integer({ min: 100, max: 900 }), fc.boolean()), { minLength: 1 }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(turns, fc.array(fc.nat(3)), (spoken, delays) => {
      const steps = spoken.flatMap((pieces) => [
        ...pieces.map((say) => ({ say })),
        { event: commit },
        { news: delays.shift() ?? 1 },
      ]);
      const { session, live } = run([{ turns: "none" }, ...steps], () => undefined);
      const completed = all(session.told, `${T}.completed`);
      const order = all(session.told, "input_audio_buffer.committed").map(({ item_id }) => item_id);
      expect(completed).toHaveLength(spoken.length);
      const texts = order.map((id) => completed.find(({ item_id }) => item_id === id)?.transcript);
      expect(texts.filter(Boolean).join(" ")).toBe([...live.texts.values()].join(" "));
      expect(texts.map((text) => text !== "")).toEqual(spoken.map((pieces) => pieces.some(([, speech]) => speech)));
    }),
    { numRuns: 200 },
  );
});

it("no text makes it throw", () => {
  const json = fc.oneof(
    fc.string(),
    fc.json(),
    fc.object().map((object) => JSON.stringify(object)),
  );
  const known = fc
    .tuple(fc.constantFrom("session.update", "transcription_session.update", "input_audio_buffer.append"), fc.object())
    .map(([type, session]) => JSON.stringify({ type, session, ...session }));
  fc.assert(
    fc.property(fc.array(fc.oneof(json, known)), (texts) => {
      const session = scriptedSession();
      session.take(session.machine.begin());
      for (const text of texts) session.take(session.machine.fromClient(text));
      expect(session.closes).toEqual([]);
    }),
  );
});
