/**
 * A publisher of live speech as any program may be one: it has a NATS client and nothing else. It sends audio as it is spoken, keeps what
 * is not final yet, and sends that again when its connection was lost, when another process goes on with its session, or when it
 * is not heard any more. Positions make all of that harmless.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  batchStatusSchema,
  historySchema,
  type ItemDone,
  itemDoneSchema,
  type LivePartial,
  type LiveState,
  livePartialSchema,
  liveStateSchema,
  parseDoneSubject,
  requestSubjects,
  SAMPLE_RATE,
  subjects,
} from "@parlance/contracts";
import { headers, type Msg, type NatsConnection } from "nats";

export interface SpokenSession {
  sessionId: string;
  /** Milliseconds since the epoch at which its first sample was spoken. */
  beganAt: number;
  partials: { at: number; partial: LivePartial }[];
  states: { at: number; state: LiveState }[];
  /** Item id → its done event; `at` is undefined for one that was read afterwards. */
  finals: Map<string, { at: number | undefined; done: ItemDone }>;
  /** Where each utterance lies, by its session's status. */
  utterances: { itemId: string; start: number; end: number }[];
  /** Times that another process went on with it, or that it was sent again. */
  resumed: number;
  /** Finals that were told more than once. */
  repeated: number;
}

export interface SpeakOptions {
  sessionId: string;
  /** 16 kHz mono. */
  samples: Int16Array;
  /** Parlance's headers of the first frame. */
  wishes?: Readonly<Record<string, string>>;
  /** Of a frame. Default 50. */
  frameMs?: number;
  /** Seconds of speech in a second. Default 1. */
  pace?: number;
  /** How long after its end it may take until all of it is final. Default 60 000. */
  limitMs?: number;
}

/** When nothing of it was heard for so long it is sent again. */
const STALLED_MS = 3_000;
const CLOSE_EVERY_MS = 3_000;
const ASK_MS = 5_000;

/** Speaks all of it, closes the session, and resolves when all of it is final. */
export async function speakLive(nc: NatsConnection, options: SpeakOptions): Promise<SpokenSession> {
  const { sessionId, samples, wishes = {}, frameMs = 50, pace = 1, limitMs = 60_000 } = options;
  const subject = subjects.liveAudio(sessionId);
  const frame = Math.round((SAMPLE_RATE * frameMs) / 1_000);
  const session: SpokenSession = {
    sessionId,
    beganAt: Date.now(),
    partials: [],
    states: [],
    finals: new Map(),
    utterances: [],
    resumed: 0,
    repeated: 0,
  };
  let spoken = 0;
  let final = 0;
  let movedAt = performance.now();
  let over = false;

  function publish(from: number, upTo: number, sign?: "close"): void {
    const about = headers();
    about.set("Parlance-Position", String(from));
    if (sign !== undefined) about.set("Parlance-Sign", sign);
    for (const [name, value] of from === 0 ? Object.entries(wishes) : []) about.set(name, value);
    const part = samples.subarray(from, upTo);
    nc.publish(subject, Buffer.from(part.buffer, part.byteOffset, part.byteLength), { headers: about });
  }

  function again(): void {
    movedAt = performance.now();
    for (let at = final - (final % frame); at < spoken; at += frame) publish(at, Math.min(at + frame, spoken));
  }

  const listening = [
    nc.subscribe(subjects.livePartial(sessionId), {
      callback: take((message) =>
        session.partials.push({ at: Date.now(), partial: livePartialSchema.parse(message.json()) }),
      ),
    }),
    nc.subscribe(subjects.liveState(sessionId), {
      callback: take((message) => {
        const state = liveStateSchema.parse(message.json());
        session.states.push({ at: Date.now(), state });
        if (state.type !== "delayed") movedAt = performance.now();
        if (state.type === "opened" || state.type === "heard") final = Math.max(final, state.position);
        if (state.type !== "opened" || !state.resumed) return;
        session.resumed += 1;
        again();
      }),
    }),
    nc.subscribe(subjects.batchDone(sessionId), {
      callback: take((message) => {
        const itemId = parseDoneSubject(message.subject)?.itemId ?? "";
        if (session.finals.has(itemId)) session.repeated += 1;
        session.finals.set(itemId, { at: Date.now(), done: itemDoneSchema.parse(message.json()) });
      }),
    }),
  ];

  function take(read: (message: Msg) => void) {
    return (_: Error | null, message: Msg) => {
      read(message);
    };
  }

  async function watchConnection(): Promise<void> {
    for await (const { type } of nc.status()) {
      if (over) return;
      if (type === "reconnect") again();
    }
  }

  await nc.flush();
  void watchConnection();
  try {
    session.beganAt = Date.now();
    const began = performance.now();
    while (spoken < samples.length) {
      const upTo = Math.min(spoken + frame, samples.length);
      // A frame leaves when its last sample is spoken.
      await pause(Math.max(0, began + (upTo * 1_000) / SAMPLE_RATE / pace - performance.now()));
      publish(spoken, upTo);
      spoken = upTo;
      if (performance.now() - movedAt > STALLED_MS) again();
    }
    await untilFinal();
    return session;
  } finally {
    over = true;
    for (const subscription of listening) subscription.unsubscribe();
  }

  async function untilFinal(): Promise<void> {
    const deadline = performance.now() + limitMs;
    let closeAt = 0;
    for (;;) {
      if (performance.now() >= closeAt) {
        if (closeAt > 0) again();
        publish(spoken, spoken, "close");
        closeAt = performance.now() + CLOSE_EVERY_MS;
      }
      const closed = session.states.findLast(({ state }) => state.type === "closed")?.state;
      const told = closed?.type === "closed" && session.finals.size >= closed.utterances;
      if ((told || performance.now() + CLOSE_EVERY_MS > closeAt) && (await isConcluded())) return;
      if (performance.now() > deadline) {
        const last = JSON.stringify(session.states.at(-1)?.state);
        const heard = `${session.finals.size} finals, the last state is ${last}`;
        throw new Error(`session ${sessionId} was not final within ${limitMs} ms: ${heard}`);
      }
      await pause(50);
    }
  }

  /** Its batch has its summary; reads what was told while nobody was connected. */
  async function isConcluded(): Promise<boolean> {
    const status = await ask(requestSubjects.status(sessionId));
    const known = batchStatusSchema.safeParse(status).data;
    if (known === undefined || known.status === "processing" || known.status === "queued") return false;
    if (known.completed + known.failed < known.total) return false;
    for (let from = 0; ; ) {
      const page = historySchema.parse(await ask(requestSubjects.history(sessionId), { from }));
      for (const { itemId, event } of page.events) {
        if (!session.finals.has(itemId)) session.finals.set(itemId, { at: undefined, done: event });
      }
      if (page.events.length === 0) break;
      from = page.next;
    }
    session.utterances = known.items.map(({ item_id, start = 0, end = 0 }) => ({ itemId: item_id, start, end }));
    return true;
  }

  /** Undefined where nobody answers. */
  async function ask(about: string, body: object = {}): Promise<unknown> {
    try {
      return (await nc.request(about, JSON.stringify(body), { timeout: ASK_MS })).json();
    } catch {
      return undefined;
    }
  }
}
