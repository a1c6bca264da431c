/**
 * A live session as its publisher has it: frames go out on its subject, and what is told of it comes back.
 *
 * What is not final goes out again when NATS was away, when another instance of ingest goes on with the session, or when nothing of it is
 * heard; positions make that harmless. So nothing that was sent is lost with a connection or a process. What is kept, and what may be
 * sent ahead, is bounded.
 */
import type { BatchNotebook, Bus, FileStore } from "@parlance/bus";
import {
  type Failure,
  type LiveFormat,
  type LivePartial,
  type LiveState,
  livePartialSchema,
  liveStateSchema,
  SpeechError,
  subjects,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { createFramePublisher, type LiveWishes } from "./frame-publisher.ts";
import { endOf, type LiveEnd, type Resumption } from "./resume.ts";
import { createSessionFinals, type LiveFinal } from "./session-finals.ts";
import { createStallWatch } from "./stall-watch.ts";

export interface LiveEvents {
  /** Once: somebody hears it. `position`: from where on audio is to be sent, in samples at the session's own rate. */
  opened?(position: number): void;
  /** Everything that is told of its course, `closed` excepted. */
  state?(state: Exclude<LiveState, { type: "closed" }>): void;
  partial?(partial: LivePartial): void;
  /** In the order of the utterances. */
  final?(final: LiveFinal): void;
  /** Once, and last: all its finals were told, or it came to nothing. */
  ended?(end: LiveEnd): void;
}

export interface LiveSessionOptions {
  bus: Bus;
  notebook: BatchNotebook;
  files: FileStore;
  log: Log;
  sessionId: string;
  format: LiveFormat;
  wishes: LiveWishes;
  events: LiveEvents;
  /** To go on with one that is there (`findLiveSession`). Default: a new one. */
  resume?: Resumption;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
}

export interface LiveSession {
  readonly sessionId: string;
  /** Where the next audio begins: samples at the session's own rate. */
  readonly position: number;
  /**
   * Audio that follows what came before; any number of bytes, where an encoding's samples have a fixed length. Throws `session_behind`
   * when it comes too fast or is not heard, and `frame_invalid` for what is no packet.
   */
  send(audio: Uint8Array): void;
  /** What is spoken up to here is an utterance. */
  finalize(): void;
  keepAlive(): void;
  /** What counts from the next utterance on. */
  update(wishes: LiveWishes): void;
  /** No audio follows: `ended` comes when all is final. */
  close(): void;
  /** Nobody wants what is not final: nothing is told any more. */
  cancel(): void;
  /** Somebody else may go on with it: nothing is told any more. */
  leave(): void;
}

const TICK_MS = 1_000;
const OPEN_AGAIN_MS = 2_000;
const OPEN_MS = 10_000;
const CLOSE_MS = { again: 3_000, silent: 60_000 };

export function openLiveSession(options: LiveSessionOptions): LiveSession {
  const { bus, notebook, log, sessionId, format, events, resume, now = () => performance.now() } = options;
  const over = new AbortController();
  const from = resume?.position;
  const publisher = createFramePublisher({ bus, sessionId, format, wishes: options.wishes, from, now });
  const stalls = createStallWatch();
  const began = now();
  let opened = resume !== undefined;
  let closing: { sentAt: number } | undefined;
  let closed: LiveEnd | undefined = resume?.end;
  let toldAt = began;
  /** Other things may be told of a session meanwhile. */
  let unheardSince: number | undefined;

  const finals = createSessionFinals({
    ...{ bus, notebook, files: options.files, log, sessionId, from: resume?.from },
    tell: (told) => events.final?.(told),
    onAll: () => finish(closed ?? { seconds: 0, utterances: 0 }),
  });

  function takeState(state: LiveState): void {
    // That nothing comes of its windows is no sign that its audio arrives.
    if (state.type !== "delayed") toldAt = now();
    if (closed !== undefined) return;
    if (state.type === "closed") {
      const { seconds, utterances, error } = state;
      const end = { seconds, utterances, ...(error === undefined ? {} : { error }) };
      // Told again to who sends again: how it ended was told before, and stands in its record.
      if (error?.code === "session_ended") void lookForEnd(end);
      else endsAs(end);
      return;
    }
    if (state.type === "refused" && !opened) {
      fail(state.error);
      return;
    }
    if (state.type === "opened") {
      publisher.takeOver(state.position);
      if (state.resumed) again("unfinal");
    }
    if (state.type === "heard") {
      if (state.heard > publisher.heard) {
        stalls.progressed();
        unheardSince = undefined;
      }
      publisher.takeHeard(state.heard, state.position);
    }
    if (state.type === "speech_stopped") finals.expect(state.itemId, state);
    if (!opened) events.opened?.(0);
    opened = true;
    events.state?.(state);
  }

  function again(which: "unfinal" | "unheard"): void {
    if (closed !== undefined || !bus.connected) return;
    publisher.again(which);
    if (closing === undefined) return;
    closing.sentAt = now();
    publisher.say("close");
  }

  /** What is overdue goes out again. */
  function look(): void {
    if (!bus.connected || closed !== undefined) return;
    const time = now();
    const silent = time - toldAt;
    const { sent, heard, againAt } = publisher;
    unheardSince = sent > heard ? (unheardSince ?? time) : undefined;
    const stalled = { sent, heard, silentMs: time - (unheardSince ?? time), sinceAgainMs: time - againAt };
    if (!opened && time - began > OPEN_MS) fail(nobody("Nobody takes live sessions at the moment."));
    else if (!opened && time - againAt > OPEN_AGAIN_MS) again("unfinal");
    else if (closing !== undefined && silent > CLOSE_MS.silent) fail(nobody("The end of the session was not told."));
    else if (closing !== undefined && time - closing.sentAt > CLOSE_MS.again) {
      again("unheard");
      void lookForEnd();
    } else if (closing === undefined && stalls.isDue(stalled)) {
      again("unheard");
    }
  }

  /** That it was closed may have been told while nobody listened. */
  async function lookForEnd(otherwise?: LiveEnd): Promise<void> {
    try {
      const end = (await endOf(notebook, sessionId)) ?? otherwise;
      if (end !== undefined && closed === undefined) endsAs(end);
    } catch (error) {
      // It is told again to who sends again.
      log.warn({ err: error, sessionId }, "how a session ended cannot be read yet");
    }
  }

  function endsAs(end: LiveEnd): void {
    closed = end;
    finals.total(end.utterances);
  }

  function fail(error: Failure): void {
    finish({ seconds: publisher.sent / format.rate, utterances: 0, error });
  }

  function finish(end: LiveEnd): void {
    if (over.signal.aborted) return;
    stop();
    events.ended?.(end);
  }

  function stop(): void {
    clearInterval(looking);
    stopWatching();
    finals.close();
    over.abort();
  }

  function failed(cause: unknown): void {
    if (!over.signal.aborted) fail(new SpeechError("internal", undefined, { cause }).toFailure());
  }

  async function listen<Told>(about: string, schema: { parse(value: unknown): Told }, take: (told: Told) => void) {
    for await (const { data } of bus.subscribe(about, over.signal)) {
      take(schema.parse(JSON.parse(Buffer.from(data).toString())));
    }
  }

  const looking = setInterval(look, TICK_MS);
  const stopWatching = bus.onConnection((connected) => {
    if (connected) again("unfinal");
  });
  listen(subjects.liveState(sessionId), liveStateSchema, takeState).catch(failed);
  listen(subjects.livePartial(sessionId), livePartialSchema, (partial) => events.partial?.(partial)).catch(failed);
  if (resume !== undefined) events.opened?.(resume.position);
  if (closed !== undefined) finals.total(closed.utterances);
  else publisher.begin();

  const goesOn = () => !over.signal.aborted && closing === undefined && closed === undefined;
  return {
    sessionId,
    get position() {
      return publisher.sent;
    },
    send(audio) {
      if (goesOn()) publisher.send(audio);
    },
    finalize() {
      if (goesOn()) publisher.finalize();
    },
    keepAlive() {
      if (goesOn()) publisher.say("keepalive");
    },
    update(wishes) {
      if (goesOn()) publisher.say("update", wishes);
    },
    close() {
      if (!goesOn()) return;
      toldAt = now();
      closing = { sentAt: toldAt };
      publisher.say("close");
    },
    cancel() {
      if (over.signal.aborted) return;
      if (closed === undefined) publisher.say("cancel");
      stop();
    },
    leave: stop,
  };
}

function nobody(message: string): Failure {
  return { code: "worker_unavailable", message };
}
