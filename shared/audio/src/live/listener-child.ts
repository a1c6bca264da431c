/** One listening process seen from the pool. All that is owed when it ends, however that is, is rejected. */
import { fileURLToPath } from "node:url";
import { failureSchema, type LiveFormat, SpeechError } from "@parlance/contracts";
import { spawnBounded } from "../process/bounded-process.ts";
import { type Frame, sendFrame } from "../process/pipe-frames.ts";
import { firstHeard } from "./hearing-blocks.ts";
import { messageTypes, type Opening, packHeader, refusalSchema, unpackHeard } from "./listener-messages.ts";
import type { Heard, Listener } from "./listening.ts";

export interface ListenerChildOptions {
  timeoutMs: number;
  maxMemoryBytes: number;
  program?: string | undefined;
  /** A session was closed, or all are over. */
  onChange: () => void;
}

export interface ListenerChild {
  readonly pid: number | undefined;
  readonly alive: boolean;
  readonly sessions: number;
  open(format: LiveFormat, from: number): Promise<Listener>;
  hold(busy: boolean): void;
  kill(): Promise<void>;
}

/** Beside this file, whether that is the source or a bundle of it. */
const ownProgram = new URL(`./listener-process${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
/** Silence that is asked for at once, in seconds: what is longer comes in parts. */
const LONGEST_SILENCE = 30;

type Owed = PromiseWithResolvers<Heard>;

export function spawnListenerChild(options: ListenerChildOptions): ListenerChild {
  const { timeoutMs, maxMemoryBytes, program = fileURLToPath(ownProgram), onChange } = options;
  const child = spawnBounded(program, { allow: ["--allow-addons"], args: [String(maxMemoryBytes)] });
  const sessions = new Map<number, Map<number, Owed>>();
  let nextSession = 1;
  let owing = 0;
  let over: SpeechError | undefined;
  let why: SpeechError | undefined;

  let overdue: NodeJS.Timeout | undefined;

  /** An answer has come, or the first one is owed. */
  function watch(): void {
    if (owing === 0) {
      clearTimeout(overdue);
      overdue = undefined;
    } else {
      overdue = overdue?.refresh() ?? setTimeout(giveUp, timeoutMs).unref();
    }
  }

  function giveUp(): void {
    why = new SpeechError("internal", `The process that hears live sessions answered nothing for ${timeoutMs} ms.`);
    child.stop();
  }

  void read()
    .catch((cause: unknown) => {
      why ??= new SpeechError("internal", "What the process that hears live sessions says cannot be read.", { cause });
      child.stop();
    })
    .then(end);

  async function read(): Promise<void> {
    for await (const frame of child.frames) {
      receive(frame);
      watch();
    }
  }

  function receive({ type, payload }: Frame): void {
    const json = () => JSON.parse(Buffer.from(payload).toString());
    if (type === messageTypes.unable) {
      const { message } = failureSchema.parse(json());
      why = new SpeechError("internal", `Live sessions cannot be heard here: ${message}`, { retryable: false });
    }
    if (type === messageTypes.heard) {
      const { session, message, samples, speech } = unpackHeard(payload);
      settle(session, message)?.resolve({ samples, speech });
    }
    if (type === messageTypes.refused) {
      const { session, message, failure } = refusalSchema.parse(json());
      settle(session, message)?.reject(new SpeechError(failure.code, failure.message));
    }
  }

  function settle(session: number, message: number): Owed | undefined {
    const owed = sessions.get(session)?.get(message);
    if (sessions.get(session)?.delete(message)) owing -= 1;
    return owed;
  }

  async function end(): Promise<void> {
    const how = await child.ended;
    over = why ?? new SpeechError("internal", `The process that hears live sessions ended (${how}).`);
    for (const session of [...sessions.keys()]) forget(session, over);
  }

  function forget(session: number, reason: SpeechError): void {
    const owed = sessions.get(session);
    if (!sessions.delete(session)) return;
    owing -= owed?.size ?? 0;
    if (owing === 0) watch();
    for (const { reject } of owed?.values() ?? []) reject(reason);
    onChange();
  }

  function ask(session: number, message: number, type: number, parts: Uint8Array[]): Promise<Heard> {
    const owed = sessions.get(session);
    if (owed === undefined) return Promise.reject(over ?? new SpeechError("session_ended", "The listener is closed."));
    const answer = Promise.withResolvers<Heard>();
    owed.set(message, answer);
    owing += 1;
    if (owing === 1) watch();
    sendFrame(child.stdin, type, ...parts);
    return answer.promise;
  }

  return {
    pid: child.pid,
    get alive() {
      return child.alive && over === undefined;
    },
    get sessions() {
      return sessions.size;
    },
    async open(format, from) {
      const session = nextSession;
      nextSession += 1;
      let next = 1;
      const start = firstHeard(from, format);
      sessions.set(session, new Map());
      const opening: Opening = { session, message: 0, format, from, start };
      await ask(session, 0, messageTypes.open, [Buffer.from(JSON.stringify(opening))]);

      const send = (type: number, samples = 0, bytes: Uint8Array[] = []) => {
        const message = next;
        next += 1;
        return ask(session, message, type, [packHeader({ session, message }, samples), ...bytes]);
      };
      return {
        start,
        push: (bytes) => send(messageTypes.push, 0, [bytes]),
        silence(samples) {
          if (samples <= LONGEST_SILENCE * format.rate) return send(messageTypes.silence, samples);
          return Promise.reject(new RangeError(`silence comes in parts of at most ${LONGEST_SILENCE} s`));
        },
        end: () => send(messageTypes.end),
        close() {
          if (!sessions.has(session)) return;
          sendFrame(child.stdin, messageTypes.close, packHeader({ session, message: 0 }));
          forget(session, new SpeechError("session_ended", "The listener is closed."));
        },
      };
    },
    hold: child.hold,
    kill: child.kill,
  };
}
