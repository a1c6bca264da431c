/**
 * The engine, seen from inside: the main thread speaks with the supervisor and watches the deadline; a second thread, which
 * runs the same entry module, loads the model and runs the passes, because inference blocks its thread from beginning to
 * end. So the next pass is taken in while one runs, and a deadline is kept whatever the model does.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import type { Failure } from "@parlance/contracts";
import {
  createFrameReader,
  ENGINE_PIPE,
  type EngineJob,
  type EngineOutcome,
  encodeFrame,
  type FromEngine,
  type Json,
  monotonicNow,
  type ToEngine,
} from "./engine-protocol.ts";

export interface EngineModel {
  /** What the supervisor is told once it is loaded. */
  description: Json;
  /** One forward pass: an outcome per job, in order. Throws a SpeechError `engine_out_of_memory` when it does not fit. */
  run(jobs: readonly EngineJob[]): Promise<EngineOutcome[]>;
}

export type EngineLog = (message: string, fields?: Record<string, unknown>) => void;

export interface EngineEntry {
  /**
   * Called once, in the inference thread. Import what is heavy in here and not at the top of the module, which the main
   * thread loads too.
   */
  load(options: Json, log: EngineLog): Promise<EngineModel>;
}

/** The whole of an engine entry module. */
export function runEngine({ load }: EngineEntry): void {
  if (isMainThread) guard();
  else if (parentPort !== null) infer(load, parentPort);
}

type ToInference = { id: number; metas: Json[]; payloads: Uint8Array[] };
type FromInference = { message: FromEngine; payloads: Uint8Array[] };

interface WaitingPass extends ToInference {
  urgency: number;
}

function guard(): void {
  const pipe = new Socket({ fd: ENGINE_PIPE });
  let deadline = Number(process.argv.find((argument) => argument.startsWith("--deadline="))?.slice(11) ?? 0);
  let timer: NodeJS.Timeout | undefined;
  let inference: Worker | undefined;
  let running = false;
  const waiting: WaitingPass[] = [];

  // Ctrl-C reaches the whole process group: the supervisor decides when the engine ends.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

  function send(message: FromEngine, payloads: readonly Uint8Array[] = []): void {
    pipe.cork();
    for (const part of encodeFrame(message, payloads)) pipe.write(part);
    pipe.uncork();
  }

  /** Not `process.exit`: with a run in flight that would wait for it, or abort. */
  function die(): void {
    process.kill(process.pid, "SIGKILL");
  }

  function watchDeadline(): void {
    clearTimeout(timer);
    const left = deadline - monotonicNow();
    if (left > 0) {
      timer = setTimeout(watchDeadline, Math.ceil(left));
      return;
    }
    try {
      writeSync(ENGINE_PIPE, Buffer.concat(encodeFrame({ type: "deadline" })));
    } catch {
      // A pipe that is full or closed: the supervisor is stopped or gone.
    }
    die();
  }

  function runNext(): void {
    if (running || inference === undefined || waiting.length === 0) return;
    const next = waiting.reduce((best, pass) => (pass.urgency < best.urgency ? pass : best));
    waiting.splice(waiting.indexOf(next), 1);
    running = true;
    send({ type: "started", id: next.id, at: Date.now() });
    const { id, metas, payloads } = next;
    inference.postMessage({ id, metas, payloads } satisfies ToInference, buffersOf(payloads));
  }

  function load(options: Json): void {
    inference = new Worker(process.argv[1] ?? "", { workerData: options, execArgv: process.execArgv });
    inference.on("message", ({ message, payloads }: FromInference) => {
      send(message, payloads);
      if (message.type !== "outcomes" && message.type !== "pass-failed") return;
      running = false;
      runNext();
    });
    inference.on("error", (error) => {
      process.stderr.write(`${error.stack ?? error}\n`, die);
    });
  }

  const read = createFrameReader<ToEngine>(({ message, payloads }) => {
    if (message.type === "extend") {
      deadline = Math.max(deadline, message.deadline);
      watchDeadline();
    } else if (message.type === "load") load(message.options);
    else {
      waiting.push({ id: message.id, urgency: message.urgency, metas: message.metas, payloads });
      runNext();
    }
  });
  pipe.on("data", read);
  pipe.on("error", die);
  pipe.on("close", die);
  watchDeadline();
}

function infer(load: EngineEntry["load"], port: MessagePort): void {
  const send = (message: FromEngine, payloads: Uint8Array[] = []) =>
    port.postMessage({ message, payloads } satisfies FromInference, buffersOf(payloads));
  const log: EngineLog = (message, fields = {}) =>
    send({ type: "log", message, fields: JSON.parse(JSON.stringify(fields)) });

  const loading = load(workerData as Json, log).then(
    (model) => {
      send({ type: "loaded", description: model.description });
      return model;
    },
    (error: unknown) => {
      send({ type: "load-failed", failure: failureOf(error) });
      return undefined;
    },
  );

  port.on("message", async ({ id, metas, payloads }: ToInference) => {
    const model = await loading;
    if (model === undefined) return;
    const startedAt = Date.now();
    try {
      const jobs = metas.map((meta, row) => ({ meta, payload: payloads[row] ?? new Uint8Array() }));
      const outcomes = await model.run(jobs);
      const sent = outcomes.flatMap((outcome) => (outcome.ok && outcome.payload ? [alone(outcome.payload)] : []));
      send(
        {
          type: "outcomes",
          id,
          startedAt,
          finishedAt: Date.now(),
          outcomes: outcomes.map((outcome) =>
            outcome.ok ? { ok: true, meta: outcome.meta, payload: outcome.payload !== undefined } : outcome,
          ),
        },
        sent,
      );
    } catch (error) {
      send({ type: "pass-failed", id, failure: failureOf(error) });
    }
  });
}

/** Read by its shape: this file must not pull zod into the engine's main thread for one class. */
function failureOf(error: unknown): Failure {
  if (error instanceof Error && error.name === "SpeechError")
    return (error as Error & { toFailure(): Failure }).toFailure();
  return { code: "engine_failed", message: error instanceof Error ? error.message : String(error) };
}

/** A view of a part of a buffer (Node's pool, another row) must not take the rest along. */
function alone(payload: Uint8Array): Uint8Array {
  return payload.byteLength === payload.buffer.byteLength ? payload : new Uint8Array(payload);
}

/** The whole buffers, each once: handed over to the other thread instead of copied. */
function buffersOf(payloads: readonly Uint8Array[]): ArrayBuffer[] {
  const whole = new Set<ArrayBuffer>();
  for (const { buffer } of payloads) if (buffer instanceof ArrayBuffer) whole.add(buffer);
  return [...whole];
}
