/**
 * The engine, seen from its supervisor: a child process that loads a model and runs passes, and that can be killed at any
 * time, which is how a model is unloaded.
 *
 * It promises that no engine outlives its supervisor or its deadline: it kills itself when the pipe closes or the deadline
 * passes. Every row of every pass ends once: with its outcome, with the failure of what ran with it, or with the engine.
 */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { type Failure, SpeechError } from "@parlance/contracts";
import {
  createFrameReader,
  ENGINE_PIPE,
  type EngineJob,
  type EngineOutcome,
  type EnginePart,
  encodeFrame,
  type Frame,
  type FromEngine,
  type Json,
  monotonicNow,
  type Room,
  type ToEngine,
} from "./engine-protocol.ts";
import { holderArgument } from "./left-engines.ts";

export interface EngineOptions {
  /** A module that calls `runEngine`. */
  entry: URL;
  /** Handed to its `load`. */
  options: Json;
  /** Milliseconds of `process.hrtime()`: the engine dies then unless `extend` moves it. */
  deadline: number;
  /** On whose account it runs: by this `endLeftEngines` finds it. */
  holder?: string;
  /** Kills it. */
  signal?: AbortSignal;
  onExit?: (exit: EngineExit) => void;
  log?: (message: string, fields: Record<string, unknown>) => void;
  /** More than this process's own. */
  environment?: NodeJS.ProcessEnv;
}

export interface EngineExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** `kill` was called here. */
  killed: boolean;
  /** It killed itself because its deadline passed. */
  deadline: boolean;
  /** The end of what it wrote to its standard error. */
  stderr: string;
}

export interface EnginePass {
  jobs: readonly EngineJob[];
  /** The lowest goes first: it overtakes what waits in the engine, and runs inside what is running there. */
  urgency: number;
  /**
   * Up to this its rows and those of passes as urgent may run together, each beginning where another has ended.
   * Default: nothing joins them, and they join nothing.
   */
  room?: Room | undefined;
}

/** How a row ran. Times are milliseconds since the epoch. */
export interface RowRun {
  /** How many rows ran when it began. */
  size: number;
  startedAt: number;
  finishedAt: number;
  /** Milliseconds, of those that ran with it too: the longest so far between two points at which the engine could have left them. */
  gapMs: number;
}

/** What becomes of a pass. Each of its rows has one `outcome`, or is among the rows of one `failed` or of `died`. */
export type PassEvent =
  /** `pass`: the engine's own, in which rows of several may run together. `at`: milliseconds since the epoch. */
  | { type: "started"; rows: readonly number[]; pass: number; at: number }
  | { type: "part"; row: number; part: EnginePart }
  | ({ type: "outcome"; row: number; outcome: EngineOutcome } & RowRun)
  | { type: "failed"; rows: readonly number[]; error: SpeechError }
  /** `running`: those of the rows that the model was working on. */
  | { type: "died"; rows: readonly number[]; running: readonly number[]; exit: EngineExit };

export interface EngineRun {
  /** Nobody waits for these rows any more, or for any: they end as `cancelled` at the model's next yield point. */
  stop(rows?: readonly number[]): void;
}

export interface Engine {
  readonly pid: number;
  /** What the entry's `load` returned as `description`. Rejects with its SpeechError, or with EngineDied. */
  readonly loaded: Promise<Json>;
  readonly exited: Promise<EngineExit>;
  run(pass: EnginePass, onEvent: (event: PassEvent) => void): EngineRun;
  extend(deadline: number): void;
  /** Resolves when the process is gone. */
  kill(): Promise<EngineExit>;
}

export class EngineDied extends Error {
  override readonly name = "EngineDied";
  readonly exit: EngineExit;
  /** Whether the model was working on the pass. */
  readonly running: boolean;

  constructor(exit: EngineExit, running = false) {
    super(`the engine ended with ${exit.signal ?? `code ${exit.code}`}`);
    this.exit = exit;
    this.running = running;
  }
}

interface Handed {
  onEvent(event: PassEvent): void;
  /** Rows without an end → the engine's own pass that they run in; undefined while they wait. */
  open: Map<number, number | undefined>;
}

const STDERR_TAIL = 4_000;

export function startEngine(of: EngineOptions): Engine {
  const { entry, options, deadline, holder, signal, onExit, log, environment } = of;
  const who = holder === undefined ? [] : [holderArgument(holder)];
  const child = spawn(process.execPath, [fileURLToPath(entry), `--deadline=${deadline}`, ...who], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { ...withoutSecrets(process.env), ...environment },
  });
  const pipe = child.stdio[ENGINE_PIPE] as Socket;
  const passes = new Map<number, Handed>();
  let nextPass = 1;
  let killed = false;
  let deadlinePassed = false;
  let stderr = "";
  let over: EngineExit | undefined;

  const loading = Promise.withResolvers<Json>();
  loading.promise.catch(() => {});
  const exiting = Promise.withResolvers<EngineExit>();

  function send(message: ToEngine, payloads: readonly Uint8Array[] = []): void {
    if (over !== undefined || pipe.destroyed) return;
    pipe.cork();
    for (const part of encodeFrame(message, payloads)) pipe.write(part);
    pipe.uncork();
  }

  function receive({ message, payloads }: Frame<FromEngine>): void {
    switch (message.type) {
      case "loaded":
        loading.resolve(message.description);
        return;
      case "load-failed":
        loading.reject(toError(message.failure));
        return;
      case "started": {
        const { id, rows, at } = message;
        for (const row of rows) passes.get(id)?.open.set(row, message.pass);
        passes.get(id)?.onEvent({ type: "started", rows, pass: message.pass, at });
        return;
      }
      case "part": {
        const { meta, payload } = message.part;
        const part = payload ? { meta, payload: payloads[0] ?? new Uint8Array() } : { meta };
        passes.get(message.id)?.onEvent({ type: "part", row: message.row, part });
        return;
      }
      case "outcome": {
        const { id, row, size, startedAt, finishedAt, gapMs } = message;
        const outcome = outcomeOf(message, payloads);
        leave(id, [row], { type: "outcome", row, outcome, size, startedAt, finishedAt, gapMs });
        return;
      }
      case "failed": {
        const { id, rows, failure } = message;
        leave(id, rows, { type: "failed", rows, error: toError(failure) });
        return;
      }
      case "log":
        log?.(message.message, message.fields);
        return;
      case "deadline":
        deadlinePassed = true;
    }
  }

  /** Rows have ended, and with its last one a pass. */
  function leave(id: number, rows: readonly number[], event: PassEvent): void {
    const pass = passes.get(id);
    if (pass === undefined) return;
    for (const row of rows) pass.open.delete(row);
    if (pass.open.size === 0) passes.delete(id);
    pass.onEvent(event);
  }

  const read = createFrameReader<FromEngine>(receive);
  pipe.on("data", (chunk: Uint8Array) => {
    try {
      read(chunk);
    } catch (error) {
      log?.("the engine's answer could not be read", { err: error });
      kill();
    }
  });
  // The pipe breaks when the engine dies; its exit says all there is to say.
  pipe.on("error", () => {});
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_TAIL);
    });
  }
  child.on("error", (error) => {
    // It could not be started, so there will be no exit.
    if (child.pid === undefined) end({ code: null, signal: null, killed, deadline: false, stderr: error.message });
  });
  // `close` and not `exit`: what it said before it died is still in the pipe.
  child.on("close", (code, exitSignal) => {
    end({ code, signal: exitSignal, killed, deadline: deadlinePassed, stderr: stderr.trim() });
  });

  function end(exit: EngineExit): void {
    if (over !== undefined) return;
    over = exit;
    signal?.removeEventListener("abort", kill);
    loading.reject(new EngineDied(exit));
    exiting.resolve(exit);
    onExit?.(exit);
    // Passes run inside each other: the model was working on the newest, and the others only waited for its end.
    const begun = [...passes.values()].flatMap(({ open }) => [...open.values()].map((number) => number ?? 0));
    const newest = Math.max(1, ...begun);
    for (const { open, onEvent } of passes.values()) {
      const running = [...open].flatMap(([row, number]) => (number === newest ? [row] : []));
      onEvent({ type: "died", rows: [...open.keys()], running, exit });
    }
    passes.clear();
  }

  function kill(): Promise<EngineExit> {
    killed = true;
    child.kill("SIGKILL");
    return exiting.promise;
  }

  signal?.addEventListener("abort", kill, { once: true });
  // This process may have been stopped on its way here, for longer than the engine was to live.
  if (signal?.aborted || monotonicNow() >= deadline) kill();
  else send({ type: "load", options });

  return {
    pid: child.pid ?? 0,
    loaded: loading.promise,
    exited: exiting.promise,
    run({ jobs, urgency, room }, onEvent) {
      const rows = [...jobs.keys()];
      if (over !== undefined || rows.length === 0) {
        const exit = over;
        if (exit !== undefined) queueMicrotask(() => onEvent({ type: "died", rows, running: [], exit }));
        return { stop: () => {} };
      }
      const id = nextPass++;
      passes.set(id, { onEvent, open: new Map(rows.map((row) => [row, undefined])) });
      const metas = jobs.map(({ meta }) => meta);
      const readsParts = jobs.some((job) => job.readsParts) ? jobs.map((job) => job.readsParts ?? false) : undefined;
      send(
        { type: "pass", id, urgency, metas, readsParts, room },
        jobs.map(({ payload }) => payload),
      );
      return { stop: (which) => send({ type: "stop", id, rows: which && [...which] }) };
    },
    extend: (next) => send({ type: "extend", deadline: next }),
    kill,
  };
}

function outcomeOf(
  { outcome }: Extract<FromEngine, { type: "outcome" }>,
  payloads: readonly Uint8Array[],
): EngineOutcome {
  if (!outcome.ok) return outcome;
  return { ok: true, meta: outcome.meta, ...(outcome.payload ? { payload: payloads[0] ?? new Uint8Array() } : {}) };
}

function toError({ code, message, param }: Failure): SpeechError {
  return new SpeechError(code, message, { param });
}

/** The engine speaks to nobody but its supervisor: it needs none of the service's credentials. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secret = /^(NATS_|API_KEYS?$|HF_TOKEN$|HUGGING_FACE_HUB_TOKEN$|MODEL_HUB_TOKEN$)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !secret.test(name)));
}
