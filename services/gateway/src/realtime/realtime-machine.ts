/**
 * A realtime transcription session, as OpenAI's clients hold one: what its client says and what is told of its live session go in; out
 * come events for the client, and calls to the live session, the models and the socket. Pure; ids and the time are passed in.
 *
 *   new → open (the first audio) → ending (its time is over, or its live session is) → closed
 *
 * The live session begins with the first audio, so that what the client wants of it is known by then, and an idle socket costs none.
 * While a model that the client named is looked for, what it says waits. An error of its client never ends a session.
 */
import type { Failure } from "@parlance/contracts";
import { type ClientEvent, readClientEvent } from "./client-events.ts";
import { createInputAudio } from "./input-audio.ts";
import { expiry, type LastWords, lastWordsOf } from "./last-words.ts";
import { shownOlder } from "./older-session.ts";
import { fromFailure, type Problem, problems } from "./realtime-errors.ts";
import type { LiveCall, LiveNews, Output, RealtimeMachine, RealtimeMachineOptions } from "./realtime-steps.ts";
import { type ServerEvent, serverEvents } from "./server-events.ts";
import {
  detectionOf,
  liveOptionsOf,
  newSession,
  realtimeFormats,
  type SessionUpdate,
  shownSession,
  updated,
  wantsLogprobs,
} from "./session-config.ts";
import { createTurns } from "./turns.ts";

const LEAST_COMMIT_MS = 100;
/** For the last texts. */
const ENDING_MS = 15_000;
/** After which a live session that tells nothing behind a commit has read up to there: that it did was lost. */
const READ_MS = 30_000;

export function createRealtimeMachine(options: RealtimeMachineOptions): RealtimeMachine {
  const { newId, now, lastsMs } = options;
  const expiresAt = now() + lastsMs;
  let config = newSession;
  let phase: "new" | "open" | "ending" | "closed" = "new";
  let endsBy = Number.POSITIVE_INFINITY;
  let liveIsOver = false;
  let lastWords: LastWords = { code: 1000, reason: "" };
  /** The last commit, or the last that was heard behind it. */
  let waitingSince = Number.POSITIVE_INFINITY;
  let looking: { update?: PendingUpdate } | undefined;
  const kept: string[] = [];
  let outputs: Output[] = [];
  const input = createInputAudio();

  const turns = createTurns({
    newItemId: () => newId("item"),
    say,
    detects: () => detectionOf(config) !== null,
    wantsLogprobs: () => wantsLogprobs(config),
  });

  interface PendingUpdate {
    session: SessionUpdate;
    older: boolean;
    eventId: string | null;
  }

  function say(event: ServerEvent): void {
    outputs.push({ to: "client", event: { ...event, event_id: newId("event") } });
  }

  function live(call: LiveCall): void {
    if (call.do === "finalize" || call.do === "close") waitingSince = now();
    outputs.push({ to: "live", call });
  }

  const refuse = (problem: Problem, eventId: string | null = null) => say(serverEvents.error(problem, eventId));
  const rate = () => realtimeFormats[config.format.type].rate;
  const seconds = () => input.samples / rate();
  /** Whole samples, told without what floats lose. */
  const bufferedMs = () => (Math.max(0, Math.round((seconds() - turns.bufferedFrom) * rate())) / rate()) * 1_000;

  /** Runs a step, looks whether that was the last one, and answers what came of it. */
  function step(work: () => void): Output[] {
    if (phase !== "closed") work();
    if (phase === "ending" && ((liveIsOver && !turns.pending) || now() >= endsBy)) finish();
    const made = outputs;
    outputs = [];
    return made;
  }

  function finish(): void {
    phase = "closed";
    turns.over({ code: "request_timeout", message: "The transcript was not ready in time." });
    const { problem, code, reason } = lastWords;
    if (problem !== undefined) refuse(problem);
    outputs.push({ to: "socket", close: { code, reason } });
  }

  /** Its texts are told, then why, then the socket is closed. */
  function end(words: LastWords): void {
    const before = phase;
    phase = "ending";
    lastWords = words;
    endsBy = now() + ENDING_MS;
    if (before !== "open") liveIsOver = true;
    else if (!liveIsOver) {
      const commits = detectionOf(config) === null && bufferedMs() >= LEAST_COMMIT_MS;
      if (commits || turns.speaking) turns.commit(seconds());
      live({ do: "close" });
    }
  }

  function take(text: string): void {
    const { eventId, event, problem } = readClientEvent(text);
    if (problem !== undefined) refuse(problem, eventId);
    else if (event === undefined || phase === "ending") return;
    else if (event.type === "append") append(event.audio);
    else if (event.type === "commit") commit(eventId);
    else if (event.type === "clear") clear();
    else update(event, eventId);
  }

  function append(audio: Buffer): void {
    const frames = input.take(audio, realtimeFormats[config.format.type].bytesPerSample);
    if (frames.length === 0) return;
    if (phase === "new") {
      phase = "open";
      live({ do: "open", options: liveOptionsOf(config) });
    }
    turns.touch();
    for (const frame of frames) live({ do: "audio", audio: frame });
  }

  function commit(eventId: string | null): void {
    const ms = bufferedMs();
    input.cut();
    if (ms < LEAST_COMMIT_MS) refuse(problems.commitEmpty(ms), eventId);
    else commitAll();
  }

  function commitAll(): void {
    turns.commit(seconds());
    live({ do: "finalize" });
  }

  function clear(): void {
    input.cut();
    if (turns.speaking || bufferedMs() >= LEAST_COMMIT_MS) {
      turns.clear(seconds());
      live({ do: "finalize" });
    } else turns.skip(seconds());
    say({ type: "input_audio_buffer.cleared" });
  }

  function update({ session, older }: Extract<ClientEvent, { type: "update" }>, eventId: string | null): void {
    const wanted = session.audio?.input?.transcription?.model;
    const pending = { session, older, eventId };
    if (wanted && wanted !== config.transcription.model) look(wanted, { update: pending });
    else apply(pending);
  }

  function apply({ session, older, eventId }: PendingUpdate): void {
    const next = updated(config, session);
    if (phase !== "new" && next.format.type !== config.format.type) {
      refuse(problems.formatFixed, eventId);
      return;
    }
    // What its client would have committed is ended by nobody's silence.
    if (detectionOf(config) === null && detectionOf(next) !== null && bufferedMs() >= LEAST_COMMIT_MS) commitAll();
    config = next;
    if (phase === "open") live({ do: "update", options: liveOptionsOf(config) });
    if (older) say({ type: "transcription_session.updated", session: shownOlder(config) });
    else say({ type: "session.updated", session: shown() });
  }

  function look(name: string, found: NonNullable<typeof looking>): void {
    looking = found;
    outputs.push({ to: "models", find: name });
  }

  function setModel(name: string | null | undefined): void {
    const { model: _before, ...others } = config.transcription;
    config = { ...config, transcription: name ? { ...others, model: name } : others };
  }

  const shown = () => shownSession(config, options.sessionId, expiresAt);

  function stateOf(state: LiveNews): void {
    if (now() > waitingSince) waitingSince = now();
    if (state.type === "speech_started") turns.started(state.itemId, state.start);
    else if (state.type === "speech_stopped")
      turns.stopped(state.itemId, state.start, state.end, state.cause === "finalize" || state.cause === "close");
    else if (state.type === "dropped") turns.dropped(state.itemId, state.start, state.end);
    else if (state.type === "heard") turns.heard(state.heard / rate());
    else if (state.type === "refused") refuse(fromFailure(state.error));
  }

  function over(failure: Failure | undefined): void {
    turns.over(failure);
    liveIsOver = true;
    if (phase === "ending") return;
    if (failure === undefined) end({ code: 1000, reason: "" });
    else end(failure.code === "session_too_long" ? expiry(lastsMs) : lastWordsOf(failure));
  }

  return {
    get waiting() {
      return looking !== undefined;
    },
    begin: () =>
      step(() => {
        if (options.session !== undefined) config = updated(config, options.session);
        const named = config.transcription.model ?? options.model;
        setModel(named);
        say({ type: "session.created", session: shown() });
        if (named) look(named, {});
      }),
    fromClient: (text) =>
      step(() => {
        if (looking === undefined) take(text);
        else kept.push(text);
      }),
    fromClientBinary: () => step(() => refuse(problems.binary)),
    modelFound: (problem) =>
      step(() => {
        const pending = looking?.update;
        looking = undefined;
        if (problem !== undefined && pending === undefined) setModel(undefined);
        if (problem !== undefined) refuse(problem, pending?.eventId);
        else if (pending !== undefined) apply(pending);
        while (looking === undefined) {
          const text = kept.shift();
          if (text === undefined) break;
          take(text);
        }
      }),
    state: (state) => step(() => stateOf(state)),
    partial: ({ itemId, start, stable, language }) => step(() => turns.partial(itemId, start, stable, language)),
    done: (itemId, utteranceEnd) => step(() => turns.ended(itemId, utteranceEnd)),
    ended: (failure) => step(() => over(failure)),
    tick: () =>
      step(() => {
        if (phase !== "ending" && now() >= expiresAt) end(expiry(lastsMs));
        if (now() - waitingSince < READ_MS) return;
        waitingSince = Number.POSITIVE_INFINITY;
        turns.readAll();
      }),
  };
}
