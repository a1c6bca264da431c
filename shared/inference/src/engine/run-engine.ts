/**
 * The engine, seen from inside. The main thread speaks with the supervisor and watches the deadline. A second thread,
 * which runs the same entry module, loads the model and runs the passes (engine-passes.ts), because inference blocks
 * its thread from beginning to end. So a deadline is kept whatever the model does, and every outcome leaves when it is
 * there.
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { Socket } from "node:net";
import {
  isMainThread,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from "node:worker_threads";
import type { Failure } from "@parlance/contracts";
import { createEnginePasses, type ModelPass } from "./engine-passes.ts";
import {
  createFrameReader,
  ENGINE_PIPE,
  encodeFrame,
  type FromEngine,
  type Json,
  monotonicNow,
  type ToEngine,
  type ToPasses,
} from "./engine-protocol.ts";

export interface EngineModel {
  /** What the supervisor is told once it is loaded. */
  description: Json;
  /**
   * Runs a pass: an outcome for each of its rows. Throws a SpeechError `engine_out_of_memory` when it does not fit; rows
   * that have ended by then keep their outcome.
   */
  run(pass: ModelPass): Promise<void>;
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

type ToInference = { frame: ToPasses; payloads: Uint8Array[] };
type FromInference = { message: FromEngine; payloads: Uint8Array[] };

interface InferenceData {
  options: Json;
  /** One number: how many `started` frames are in the pipe. */
  startsWritten: Int32Array;
}

/** For how long a pass waits for its `started` to be in the pipe. */
const START_MS = 1_000;

function guard(): void {
  const pipe = new Socket({ fd: ENGINE_PIPE });
  let deadline = Number(process.argv.find((argument) => argument.startsWith("--deadline="))?.slice(11) ?? 0);
  let timer: NodeJS.Timeout | undefined;
  let inference: Worker | undefined;

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

  function load(options: Json): void {
    const startsWritten = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const data: InferenceData = { options, startsWritten };
    inference = new Worker(process.argv[1] ?? "", { workerData: data, execArgv: process.execArgv });
    inference.on("message", ({ message, payloads }: FromInference) => {
      send(message, payloads);
      if (message.type !== "started") return;
      Atomics.add(startsWritten, 0, 1);
      Atomics.notify(startsWritten, 0);
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
    else inference?.postMessage({ frame: message, payloads } satisfies ToInference, buffersOf(payloads));
  });
  pipe.on("data", read);
  pipe.on("error", die);
  pipe.on("close", die);
  watchDeadline();
}

function infer(load: EngineEntry["load"], port: MessagePort): void {
  const { options, startsWritten } = workerData as InferenceData;
  const send = (message: FromEngine, payloads: Uint8Array[] = []) => {
    const before = Atomics.load(startsWritten, 0);
    port.postMessage({ message, payloads } satisfies FromInference, buffersOf(payloads));
    // A row that ends the process must be known to have begun, or it would be tried for ever.
    if (message.type === "started") Atomics.wait(startsWritten, 0, before, START_MS);
  };
  const log: EngineLog = (message, fields = {}) =>
    send({ type: "log", message, fields: JSON.parse(JSON.stringify(fields)) });

  async function serve(): Promise<void> {
    let model: EngineModel;
    try {
      model = await load(options, log);
    } catch (error) {
      send({ type: "load-failed", failure: failureOf(error) });
      return;
    }
    send({ type: "loaded", description: model.description });
    // Node writes it down when a process exits, and an engine is always killed.
    flushCompileCache();
    let busy = false;
    const passes = createEnginePasses({ run: (pass) => model.run(pass), poll, send, failureOf });

    function poll(): void {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        const { frame, payloads } = got.message as ToInference;
        passes.take(frame, payloads);
      }
    }

    async function runAll(): Promise<void> {
      if (busy) return;
      busy = true;
      await passes.runAll();
      busy = false;
    }

    // What came while the model was loading is here too: a port keeps its messages until somebody listens.
    port.on("message", ({ frame, payloads }: ToInference) => {
      passes.take(frame, payloads);
      void runAll();
    });
  }

  void serve();
}

/** Read by its shape: this file must not pull zod into the engine's main thread for one class. */
function failureOf(error: unknown): Failure {
  if (error instanceof Error && error.name === "SpeechError")
    return (error as Error & { toFailure(): Failure }).toFailure();
  return { code: "engine_failed", message: error instanceof Error ? error.message : String(error) };
}

/** The whole buffers, each once: handed over to the other thread instead of copied. */
function buffersOf(payloads: readonly Uint8Array[]): ArrayBuffer[] {
  const whole = new Set<ArrayBuffer>();
  for (const { buffer } of payloads) if (buffer instanceof ArrayBuffer) whole.add(buffer);
  return [...whole];
}
