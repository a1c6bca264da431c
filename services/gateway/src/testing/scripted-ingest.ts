/**
 * Stands in for ingest and the workers of live sessions: speech is whatever is not zero, and is read as a word for each half second of
 * it. It counts samples as the real ones do, and tells what they tell. Everything else is real: subjects, streams, records.
 */
import { type BatchNotebook, type Bus, connectBus, openBatchNotebook } from "@parlance/bus";
import {
  type FrameHeaders,
  frameHeadersSchema,
  type ItemDone,
  type LiveFormat,
  type LiveOptions,
  type LiveState,
  parseLiveAudioSubject,
  parseLiveFormat,
  readHeaders,
  SAMPLE_RATE,
  subjects,
  type UtteranceEnd,
  writeHeaders,
} from "@parlance/contracts";
import type { TestServer } from "@parlance/nats/testing";

export interface ScriptedSession {
  sessionId: string;
  options: LiveOptions;
  format: LiveFormat;
  /** All audio that was heard, once. */
  heard: number;
  /** In the order in which they came. */
  signs: string[];
  /** Frames, also those that came again. */
  frames: number;
  closed: boolean;
  cancelled: boolean;
  keptAlive: number;
}

export interface ScriptedIngest {
  sessions: Map<string, ScriptedSession>;
  bus: Bus;
  notebook: BatchNotebook;
  /** Whether frames are heard. One that is deaf hears nothing of what comes meanwhile. */
  deaf: boolean;
  /** Another instance goes on with all sessions, from where all is final. */
  takeOver(): void;
  /** Milliseconds from an utterance's end to its done event. */
  finalMs: number;
  /** What the first frame of a session is refused with. */
  refuse: LiveState | undefined;
  close(): Promise<void>;
}

interface Utterance {
  start: number;
  speech: number;
}

interface Running extends ScriptedSession {
  n: number;
  silence: number;
  open: Utterance | undefined;
  final: number;
  toldWords: number;
}

const SILENCE_SECONDS = 0.5;
const WORD_SECONDS = 0.5;

export async function startScriptedIngest(server: TestServer): Promise<ScriptedIngest> {
  const bus = await connectBus({ name: "scripted", ...server.as() });
  const notebook = openBatchNotebook(bus);
  const stopping = new AbortController();
  const sessions = new Map<string, Running>();
  const finals: Promise<void>[] = [];
  let working = Promise.resolve();

  const ingest: ScriptedIngest = {
    sessions,
    bus,
    notebook,
    deaf: false,
    finalMs: 5,
    refuse: undefined,
    takeOver() {
      for (const session of sessions.values()) {
        if (session.closed) continue;
        session.heard = session.final;
        session.open = undefined;
        session.silence = 0;
        tell(session, { type: "opened", position: session.final, resumed: true });
      }
    },
    async close() {
      stopping.abort();
      await working;
      await Promise.all(finals);
      await bus.close();
    },
  };

  async function listen(): Promise<void> {
    for await (const { subject, headers, data } of bus.subscribe(subjects.liveAudioOf("*", "*"), stopping.signal)) {
      const { sessionId = "" } = parseLiveAudioSubject(subject) ?? {};
      if (!ingest.deaf) working = working.then(() => take(sessionId, readHeaders(frameHeadersSchema, headers), data));
    }
  }

  async function take(sessionId: string, headers: FrameHeaders, data: Uint8Array): Promise<void> {
    const session = sessions.get(sessionId) ?? (await open(sessionId, headers));
    if (session === undefined || session.closed) return;
    session.frames += 1;
    if (headers.sign !== undefined) session.signs.push(headers.sign);
    const position = headers.position ?? session.heard;
    if (headers.sign === "keepalive") session.keptAlive += 1;
    if (headers.sign === "update") session.options = { ...session.options, ...headers };
    // A hole: what is missing comes again.
    if (position > session.heard) return;
    const bytes = session.format.encoding === "pcm" ? 2 : 1;
    const skipped = (session.heard - position) * bytes;
    for (let at = skipped; at < data.length; at += bytes) {
      const value = bytes === 2 ? Buffer.from(data.buffer, data.byteOffset, data.length).readInt16LE(at) : data[at];
      await hear(session, value !== 0);
    }
    if (position < session.heard && headers.sign === "finalize" && data.length === 0) return;
    if (headers.sign === "finalize") await end(session, "finalize");
    tellHeard(session);
    if (headers.sign === "close") await close(session, "close");
    if (headers.sign === "cancel") {
      session.cancelled = true;
      session.open = undefined;
      await close(session, "close");
    }
  }

  async function open(sessionId: string, headers: FrameHeaders): Promise<Running | undefined> {
    const { position: _, sign: __, ...options } = headers;
    const format = parseLiveFormat(options.contentType);
    if (format === undefined) throw new Error(`no format: ${options.contentType}`);
    const session: Running = {
      ...{ sessionId, options, format, heard: 0, signs: [], frames: 0, closed: false, cancelled: false, keptAlive: 0 },
      ...{ n: 0, silence: 0, open: undefined, final: 0, toldWords: 0 },
    };
    if (ingest.refuse !== undefined) {
      bus.publish(subjects.liveState(sessionId), JSON.stringify({ ...ingest.refuse, sessionId }));
      return undefined;
    }
    sessions.set(sessionId, session);
    const at = Date.now();
    await notebook.enter({ batchId: sessionId, label: "", lane: "realtime", acceptedAt: at, items: [], open: true });
    await note(session);
    tell(session, { type: "opened", position: 0, resumed: false });
    return session;
  }

  async function note({ sessionId, options, final, n, closed }: Running): Promise<void> {
    const wishes = Object.fromEntries(writeHeaders(options));
    const entry = { sessionId, openedAt: Date.now(), holder: "scripted", wishes, position: final };
    const rest = { at: 0, carriesOn: false };
    await notebook.sessions.put(sessionId, { ...entry, rest, utterances: n, closed });
  }

  async function hear(session: Running, speech: boolean): Promise<void> {
    const { rate } = session.format;
    const at = session.heard;
    session.heard += 1;
    if (speech) {
      session.silence = 0;
      if (session.open === undefined) {
        session.open = { start: at, speech: 0 };
        session.toldWords = 0;
        tell(session, { type: "speech_started", itemId: String(session.n), start: at / rate });
      }
      session.open.speech += 1;
      const words = Math.floor(session.open.speech / rate / WORD_SECONDS);
      if (words > session.toldWords) partial(session, session.open, words);
      session.toldWords = words;
    } else {
      session.silence += 1;
      if (session.open === undefined) session.final = session.heard;
      else if (session.silence >= SILENCE_SECONDS * rate) await end(session, "silence");
    }
  }

  function partial({ sessionId, options, n, heard, format }: Running, { start }: Utterance, words: number): void {
    if (!options.partials) return;
    const all = textOf(n, words).split(" ");
    const stable = all
      .slice(0, -1)
      .map((word) => `${word} `)
      .join("");
    const of = {
      sessionId,
      itemId: String(n),
      start: start / format.rate,
      end: heard / format.rate,
      language: "English",
    };
    const told = { ...of, stable, tail: all.at(-1) ?? "", at: Date.now() };
    bus.publish(subjects.livePartial(sessionId), JSON.stringify(told));
  }

  async function end(session: Running, cause: UtteranceEnd): Promise<void> {
    const { sessionId, open: utterance, format, heard, options } = session;
    if (utterance === undefined) return;
    const itemId = String(session.n);
    const start = utterance.start / format.rate;
    session.open = undefined;
    session.n += 1;
    const of = { operation: "transcribe" as const, start: Math.round(start * SAMPLE_RATE) };
    const samples = Math.round((heard / format.rate) * SAMPLE_RATE) - of.start;
    await notebook.revise(sessionId, (record) => ({ ...record, items: [...record.items, { itemId, ...of, samples }] }));
    tell(session, { type: "speech_stopped", itemId, start, end: heard / format.rate, cause });
    const words = textOf(session.n - 1, Math.max(1, Math.floor(utterance.speech / format.rate / WORD_SECONDS))).split(
      " ",
    );
    const timestamps = words.map((text, n) => ({
      text,
      start: n * WORD_SECONDS,
      end: (n + 1) * WORD_SECONDS,
      confidence: 0.9,
    }));
    const done: ItemDone = {
      ...{
        batchId: sessionId,
        itemId,
        operation: "transcribe",
        status: "done",
        finishedAt: Date.now(),
        model: "fake",
      },
      transcript: {
        text: words.join(" "),
        language: options.language === "auto" ? "English" : options.language,
        ...(options.timestamps ? { timestamps } : {}),
      },
    };
    const final = async () => {
      await bus.publishOnce(subjects.done(sessionId, itemId), JSON.stringify(done), { first: true });
      session.final = Math.max(session.final, heard);
      await note(session);
      tellHeard(session);
    };
    const later = new Promise<void>((resolve) => setTimeout(resolve, ingest.finalMs)).then(final);
    finals.push(later);
  }

  async function close(session: Running, cause: UtteranceEnd): Promise<void> {
    const { sessionId, format } = session;
    await end(session, cause);
    session.closed = true;
    await notebook.revise(sessionId, ({ open: _, ...record }) => record);
    await note(session);
    tell(session, { type: "closed", seconds: session.heard / format.rate, utterances: session.n });
  }

  function tellHeard(session: Running): void {
    tell(session, { type: "heard", heard: session.heard, position: session.final });
  }

  type Untold = LiveState extends infer State
    ? State extends LiveState
      ? Omit<State, "sessionId" | "at">
      : never
    : never;
  function tell({ sessionId }: Running, state: Untold): void {
    bus.publish(subjects.liveState(sessionId), JSON.stringify({ ...state, sessionId, at: Date.now() }));
  }

  const listening = listen();
  listening.catch(() => undefined);
  await bus.flush();
  return ingest;
}

/** Of an utterance with so many words. */
export function textOf(utterance: number, words: number): string {
  return Array.from({ length: words }, (_, n) => `u${utterance}w${n}`).join(" ");
}

/** Speech (`true`) and silence, 16-bit at the rate. */
export function sound(parts: readonly (readonly [speech: boolean, seconds: number])[], rate = 16_000): Buffer {
  return Buffer.concat(
    parts.map(([speech, seconds]) => {
      const samples = new Int16Array(Math.round(seconds * rate)).fill(speech ? 1_000 : 0);
      return Buffer.from(samples.buffer);
    }),
  );
}
