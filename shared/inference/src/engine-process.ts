/**
 * The engine, seen from its supervisor: a child process that loads a model and runs passes, and that can be killed at any
 * time, which is how a model is unloaded.
 *
 * It promises that no engine outlives its supervisor or its deadline: it kills itself when the pipe closes or the deadline
 * passes. `run` settles for every pass: with an outcome per row, with the pass's own failure, or with `EngineDied`.
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
  encodeFrame,
  type Frame,
  type FromEngine,
  type Json,
  monotonicNow,
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
  /** Of the passes that wait in the engine the lowest goes first. */
  urgency: number;
  /** Milliseconds since the epoch at which the model began with it. */
  onStarted?: (at: number) => void;
}

export interface PassOutcomes {
  outcomes: EngineOutcome[];
  /** Milliseconds since the epoch. */
  startedAt: number;
  finishedAt: number;
}

export interface Engine {
  readonly pid: number;
  /** What the entry's `load` returned as `description`. Rejects with its SpeechError, or with EngineDied. */
  readonly loaded: Promise<Json>;
  readonly exited: Promise<EngineExit>;
  /** Rejects with the pass's own SpeechError, or with EngineDied. */
  run(pass: EnginePass): Promise<PassOutcomes>;
  extend(deadline: number): void;
  /** Resolves when the process is gone. */
  kill(): Promise<EngineExit>;
}

export class EngineDied extends Error {
  override readonly name = "EngineDied";
  readonly exit: EngineExit;
  /** Whether the pass was the one that the model was working on. */
  readonly running: boolean;

  constructor(exit: EngineExit, running: boolean) {
    super(`the engine ended with ${exit.signal ?? `code ${exit.code}`}`);
    this.exit = exit;
    this.running = running;
  }
}

interface Waiting {
  resolve(outcomes: PassOutcomes): void;
  reject(error: Error): void;
  onStarted: ((at: number) => void) | undefined;
  started: boolean;
}

const STDERR_TAIL = 4_000;

export function startEngine(of: EngineOptions): Engine {
  const { entry, options, deadline, holder, signal, onExit, log, environment } = of;
  const who = holder === undefined ? [] : [holderArgument(holder)];
  const child = spawn(process.execPath, [fileURLToPath(entry), `--deadline=${deadline}`, ...who], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: environment ?? withoutSecrets(process.env),
  });
  const pipe = child.stdio[ENGINE_PIPE] as Socket;
  const passes = new Map<number, Waiting>();
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
        const pass = passes.get(message.id);
        if (pass === undefined) return;
        pass.started = true;
        pass.onStarted?.(message.at);
        return;
      }
      case "outcomes": {
        const rows = payloads.values();
        const outcomes = message.outcomes.map((outcome): EngineOutcome => {
          if (!outcome.ok) return outcome;
          const payload = outcome.payload ? rows.next().value : undefined;
          return { ok: true, meta: outcome.meta, ...(payload && { payload }) };
        });
        passes.get(message.id)?.resolve({ outcomes, startedAt: message.startedAt, finishedAt: message.finishedAt });
        passes.delete(message.id);
        return;
      }
      case "pass-failed":
        passes.get(message.id)?.reject(toError(message.failure));
        passes.delete(message.id);
        return;
      case "log":
        log?.(message.message, message.fields);
        return;
      case "deadline":
        deadlinePassed = true;
    }
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
    loading.reject(new EngineDied(exit, false));
    exiting.resolve(exit);
    onExit?.(exit);
    for (const pass of passes.values()) pass.reject(new EngineDied(exit, pass.started));
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
    run({ jobs, urgency, onStarted }) {
      if (over !== undefined) return Promise.reject(new EngineDied(over, false));
      const id = nextPass++;
      send(
        { type: "pass", id, urgency, metas: jobs.map(({ meta }) => meta) },
        jobs.map(({ payload }) => payload),
      );
      return new Promise((resolve, reject) => passes.set(id, { resolve, reject, onStarted, started: false }));
    },
    extend: (next) => send({ type: "extend", deadline: next }),
    kill,
  };
}

function toError({ code, message, param }: Failure): SpeechError {
  return new SpeechError(code, message, { param });
}

/** The engine speaks to nobody but its supervisor: it needs none of the service's credentials. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secret = /^(NATS_|API_KEYS?$|HF_TOKEN$|HUGGING_FACE_HUB_TOKEN$|MODEL_HUB_TOKEN$)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !secret.test(name)));
}
