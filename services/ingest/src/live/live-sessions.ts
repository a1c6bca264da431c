/**
 * Live sessions: speech that is transcribed while it is spoken. Each is held by one instance of ingest, which hears its frames (session), and
 * all instances hear of all frames, so that a session whose holder died is gone on with by the first that notices (take-over).
 *
 * Everything that matters is written down: an entry for each session, a record of its utterances, their jobs. What is here may be lost.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { FollowedMessage, KeyEntry, StoredMessage } from "@parlance/bus";
import {
  batchIdSchema,
  GATEWAY_SOURCE,
  type LiveSession,
  parseLiveAudioSubject,
  SpeechError,
  streams,
  subjects,
  toSpeechError,
  windowAnswerSchema,
} from "@parlance/contracts";
import { saysWishes, wishesOf } from "./read-frame.ts";
import { openSession, type Session, type SessionContext } from "./session.ts";
import { understandWishes } from "./session-wishes.ts";
import { rememberSessions } from "./sessions-elsewhere.ts";
import { isAlive, isEndedSession, recordOf, type TakenSession, takeOver } from "./take-over.ts";

export interface LiveSessionsOptions extends Omit<SessionContext, "stops"> {
  /** How many sessions this instance holds now. */
  onChange?(sessions: number): void;
  /** Default: one that nobody else has. */
  instance?: string;
}

export interface LiveSessions {
  /** Sessions that this instance holds. */
  readonly size: number;
  /** Resolves when all of them are let go of, after the signal. */
  readonly ended: Promise<void>;
}

const SWEEP_MS = 5_000;
const CHECK_MS = 1_000;
/** This process was stopped when its clock makes such a step. */
const BEAT_MS = 500;
const STOPPED_MS = 3_000;
/** Another instance may have room. */
const FULL_MS = 500;

export function createLiveSessions(options: LiveSessionsOptions): LiveSessions {
  const { bus, notebook, settings, log, now, signal, instance = randomUUID() } = options;
  const held = new Map<string, Session>();
  const elsewhere = rememberSessions(bus, now);
  const checkedAt = new Map<string, number>();
  const works = new Set<Promise<unknown>>();
  let lastBeat = performance.now();
  let stopped = 0;

  function noteStops(): number {
    const at = performance.now();
    if (at - lastBeat > STOPPED_MS) stopped += 1;
    lastBeat = at;
    return stopped;
  }
  const context: SessionContext = { ...options, stops: noteStops };

  /** Never rejects; waited for at the end. */
  function work(what: string, sessionId: string, doing: Promise<unknown>): void {
    const safe = doing.catch((error: unknown) => {
      if (signal.aborted) return;
      elsewhere.forget(sessionId);
      log.warn({ err: error, sessionId }, what);
    });
    works.add(safe);
    void safe.then(() => works.delete(safe));
  }

  function heard(message: FollowedMessage): void {
    const address = parseLiveAudioSubject(message.subject);
    if (!batchIdSchema.safeParse(address?.sessionId).success || address === undefined) return;
    const { sessionId, source } = address;
    const session = held.get(sessionId);
    if (session !== undefined) {
      if (session.source === source) session.offer(message);
      else session.refuse(new SpeechError("batch_id_taken"));
      return;
    }
    const known = elsewhere.get(sessionId);
    if (known?.kind === "opening") return;
    if (known?.kind === "held") checkHolder(known.holder);
    else if (known?.kind === "refused" && (known.final || !saysWishes(message)))
      elsewhere.tellAgain(sessionId, message);
    else work("a live session cannot be opened", sessionId, open(sessionId, source, message));
  }

  async function open(sessionId: string, source: string, message: StoredMessage & { before?: number }): Promise<void> {
    elsewhere.note(sessionId, { kind: "opening" });
    const found = await notebook.sessions.get(sessionId);
    if (found !== undefined) return await follow(found.value);
    const whose = source === GATEWAY_SOURCE ? undefined : source;
    const record = await notebook.read(sessionId);
    if (record !== undefined && !(record.open && isEndedSession(record, whose))) {
      const error = new SpeechError(isEndedSession(record, whose) ? "session_ended" : "batch_id_taken");
      return elsewhere.refuse(sessionId, error, { utterances: record.items.length, final: true });
    }
    const first = saysWishes(message) || message.before === 0 ? message : await firstFrame(source, sessionId, message);
    await begin(sessionId, whose, first);
  }

  /** What came before this instance heard of the session. */
  async function firstFrame(source: string, sessionId: string, message: StoredMessage): Promise<StoredMessage> {
    return (await bus.first(streams.live, subjects.liveAudioOf(source, sessionId), { seq: 1 })) ?? message;
  }

  async function begin(sessionId: string, source: string | undefined, first: StoredMessage): Promise<void> {
    const wishes = wishesOf(first);
    try {
      understandWishes(wishes);
      if (!settings.ENABLE_ASR) throw new SpeechError("operation_unavailable", "transcribe is switched off here.");
    } catch (error) {
      return elsewhere.refuse(sessionId, toSpeechError(error));
    }
    if (held.size >= settings.LIVE_SESSIONS) {
      await pause(FULL_MS, undefined, { signal });
      const found = await notebook.sessions.get(sessionId);
      if (found !== undefined) return await follow(found.value);
      return elsewhere.refuse(sessionId, new SpeechError("too_many_sessions"));
    }
    const entry: LiveSession = {
      sessionId,
      ...(source === undefined ? {} : { source }),
      openedAt: now(),
      holder: instance,
      wishes,
      position: 0,
      rest: { at: 0, carriesOn: false },
      frame: { seq: first.seq, position: 0 },
      utterances: 0,
      closed: false,
    };
    const revision = await notebook.sessions.create(sessionId, entry);
    if (revision === undefined) {
      elsewhere.forget(sessionId);
      return;
    }
    const value = recordOf(entry);
    const created = await notebook.enterUnsent(value);
    if (created !== undefined) return hold({ entry, revision, record: { value, revision: created } }, false);
    await notebook.sessions.delete(sessionId, revision);
    elsewhere.refuse(sessionId, new SpeechError("batch_id_taken"), { final: true });
  }

  function hold(taken: TakenSession, resumed: boolean): void {
    const { sessionId } = taken.entry;
    elsewhere.forget(sessionId);
    const session = openSession(taken, resumed, context);
    held.set(sessionId, session);
    options.onChange?.(held.size);
    const ended = session.ended.then((how) => {
      held.delete(sessionId);
      options.onChange?.(held.size);
      if (how !== "concluded") return;
      const { heardTo } = session;
      elsewhere.note(sessionId, { kind: "refused", error: new SpeechError("session_ended"), final: true, heardTo });
    });
    work("a live session failed", sessionId, ended);
  }

  /** A session that has an entry: taken where its holder is dead. */
  async function follow(entry: LiveSession): Promise<void> {
    const { sessionId, holder } = entry;
    if (held.has(sessionId)) return;
    elsewhere.note(sessionId, { kind: "held", holder });
    if (holder !== instance && (await isAlive(bus, holder))) return;
    const found = await notebook.sessions.get(sessionId);
    if (found === undefined) elsewhere.forget(sessionId);
    else if (found.value.holder !== holder) elsewhere.note(sessionId, { kind: "held", holder: found.value.holder });
    else if (held.size < settings.LIVE_SESSIONS && !held.has(sessionId)) await take(found);
  }

  async function take(found: KeyEntry<LiveSession>): Promise<void> {
    const { sessionId, holder } = found.value;
    if (elsewhere.get(sessionId)?.kind === "opening") return;
    // From here on the entry names this instance: a sweep would take it for one that has failed here, and take it again.
    elsewhere.note(sessionId, { kind: "opening" });
    const taken = await takeOver(notebook, found, instance).catch((error: unknown) => {
      elsewhere.forget(sessionId);
      throw error;
    });
    if (taken === undefined) return elsewhere.note(sessionId, { kind: "held", holder });
    log.warn({ sessionId, from: holder }, "a live session is taken over");
    hold(taken, true);
  }

  function checkHolder(holder: string): void {
    const at = performance.now();
    if ((checkedAt.get(holder) ?? Number.NEGATIVE_INFINITY) + CHECK_MS > at) return;
    checkedAt.set(holder, at);
    work("a holder of live sessions cannot be judged", "", checkSessionsOf(holder));
  }

  async function checkSessionsOf(holder: string): Promise<void> {
    if (await isAlive(bus, holder)) return;
    checkedAt.delete(holder);
    await sweep();
  }

  /** All sessions that somebody has to go on with, whether frames come for them or not. */
  async function sweep(): Promise<void> {
    const alive = new Map<string, Promise<boolean>>();
    for (const sessionId of await notebook.sessions.keys("*")) {
      if (signal.aborted || held.has(sessionId) || elsewhere.get(sessionId)?.kind === "opening") continue;
      const found = await notebook.sessions.get(sessionId);
      if (found === undefined) continue;
      const { holder } = found.value;
      // One of its own that it does not hold has failed here.
      const lives = alive.get(holder) ?? (holder === instance ? Promise.resolve(false) : isAlive(bus, holder));
      alive.set(holder, lives);
      if (await lives) elsewhere.note(sessionId, { kind: "held", holder });
      else await follow(found.value);
    }
  }

  /** Sessions whose frames came while nobody listened. */
  async function openWaiting(): Promise<void> {
    for (const subject of (await bus.countSubjects(streams.live, subjects.liveAudioOf("*", "*"))).keys()) {
      const address = parseLiveAudioSubject(subject);
      if (address === undefined || held.has(address.sessionId) || elsewhere.has(address.sessionId)) continue;
      const first = await bus.first(streams.live, subject, { seq: 1 });
      // Frames that came meanwhile may have opened it.
      if (first === undefined || held.has(address.sessionId) || elsewhere.has(address.sessionId)) continue;
      const opening = open(address.sessionId, address.source, first);
      work("a live session cannot be opened", address.sessionId, opening);
      await opening.catch(() => undefined);
    }
  }

  async function listen(): Promise<void> {
    for await (const message of bus.follow(subjects.liveStored("*.*"), signal)) heard(message);
  }

  async function hearAnswers(): Promise<void> {
    for await (const { subject, data } of bus.subscribe(subjects.liveHeard("*"), signal)) {
      const session = held.get(subject.split(".").at(-1) ?? "");
      if (session === undefined) continue;
      const answer = windowAnswerSchema.safeParse(jsonOf(data));
      if (answer.success) session.answered(answer.data);
      else log.warn({ err: answer.error, subject }, "an answer to a window cannot be read");
    }
  }

  async function keepSweeping(): Promise<void> {
    // Frames may have come before this instance listened, or while it was away.
    let mayWait = true;
    const stopNoting = bus.onConnection((connected) => {
      if (connected) mayWait = true;
    });
    signal.addEventListener("abort", stopNoting, { once: true });
    while (!signal.aborted) {
      try {
        await sweep();
        if (mayWait) {
          mayWait = false;
          await openWaiting();
        }
      } catch (error) {
        mayWait = true;
        if (!signal.aborted) log.warn({ err: error }, "looking for live sessions failed; trying again");
      }
      await pause(SWEEP_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  bus.serve(subjects.liveHolder(instance), undefined, async ({ respond }) => respond(""), signal);
  const beat = setInterval(noteStops, BEAT_MS);
  signal.addEventListener("abort", () => clearInterval(beat), { once: true });
  const listening = [listen(), hearAnswers(), keepSweeping()];

  return {
    get size() {
      return held.size;
    },
    ended: Promise.all(listening).then(async () => {
      await Promise.all(works);
    }),
  };
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
