/** A machine, what its client is told by it, and a live session that is said by hand. */
import type { Failure } from "@parlance/contracts";
import { createRealtimeMachine } from "../realtime-machine.ts";
import type { LiveCall, LiveNews, Output, RealtimeMachine, RealtimeMachineOptions } from "../realtime-steps.ts";
import type { ServerEvent } from "../server-events.ts";

export type Told = ServerEvent & { event_id: string };

type WithoutCommon<State> = State extends LiveNews ? Omit<State, "sessionId" | "at"> : never;
type Said = WithoutCommon<LiveNews>;

export interface ScriptedSession {
  machine: RealtimeMachine;
  /** All that the client was told. */
  told: Told[];
  calls: LiveCall[];
  closes: { code: number; reason: string }[];
  /** Of which a model was to be found. */
  found: string[];
  /** What the client says, as an object, and what it is told at once. */
  say(event: object): Told[];
  /** So many milliseconds of silence in the session's format, of `bytesPerMs` bytes. */
  audio(ms: number, bytesPerMs?: number): Told[];
  state(state: Said): Told[];
  partial(itemId: string, stable: string, start?: number): Told[];
  ended(failure?: Failure): Told[];
  done(itemId: string, text: string, more?: { language?: string; seconds?: number }): Told[];
  take(outputs: Output[]): Told[];
  pass(ms: number): Told[];
}

export function scriptedSession(options: Partial<RealtimeMachineOptions> = {}): ScriptedSession {
  let now = 1_000_000;
  let ids = 0;
  const machine = createRealtimeMachine({
    sessionId: "sess_1",
    newId: (kind) => `${kind}_${++ids}`,
    now: () => now,
    lastsMs: 3_600_000,
    ...options,
  });
  const session: ScriptedSession = {
    machine,
    ...{ told: [], calls: [], closes: [], found: [] },
    take(outputs) {
      const told: Told[] = [];
      for (const output of outputs) {
        if (output.to === "client") told.push(output.event);
        else if (output.to === "live") session.calls.push(output.call);
        else if (output.to === "models") session.found.push(output.find);
        else session.closes.push(output.close);
      }
      session.told.push(...told);
      return told;
    },
    say: (event) => session.take(machine.fromClient(JSON.stringify(event))),
    audio: (ms, bytesPerMs = 48) =>
      session.say({ type: "input_audio_buffer.append", audio: Buffer.alloc(ms * bytesPerMs).toString("base64") }),
    state: (state) => session.take(machine.state({ ...state, sessionId: "s", at: 0 })),
    partial: (itemId, stable, start = 0) =>
      session.take(machine.partial({ itemId, start, stable, language: "English" })),
    ended: (failure) => session.take(machine.ended(failure)),
    done: (itemId, text, { language = "English", seconds = 1 } = {}) =>
      session.take(machine.done(itemId, { transcript: { text, language }, seconds })),
    pass(ms) {
      now += ms;
      return session.take(machine.tick());
    },
  };
  return session;
}

export const update = (input: object, more: object = {}) => ({
  type: "session.update",
  session: { type: "transcription", audio: { input }, ...more },
});
export const commit = { type: "input_audio_buffer.commit" };
export const clear = { type: "input_audio_buffer.clear" };
export const types = (told: readonly Told[]) => told.map(({ type }) => type);
