/** A worker on the scripted engine, for tests in this process and, run as a program, for tests that kill it. */
import { flushCompileCache } from "node:module";
import { type Bus, connectBus } from "@parlance/bus";
import { partSchema } from "@parlance/contracts";
import { createLog, type Log } from "@parlance/telemetry";
import type { ToEngineWindow } from "../lanes/window.ts";
import type { EngineOptionsSource } from "../model/ready-model.ts";
import type { ToHeard } from "../results/answer-window.ts";
import { createWorker } from "../worker.ts";
import type { Worker, WorkerOptions } from "../worker-options.ts";

export const scriptedEngine = new URL(import.meta.resolve("@parlance/inference/testing/scripted-engine"));

export const windowAsItIs: ToEngineWindow = ({ payload }) => ({ meta: {}, payload });

export interface ScriptedWorker {
  bus: Bus;
  id: string;
  leaseTtl: number;
  /** Default: the one of all of them. */
  accelerator?: string;
  memory?: WorkerOptions["accelerator"]["memory"];
  weightBytes?: number;
  log?: Log;
  engineOptions?: EngineOptionsSource;
  settings?: Partial<WorkerOptions["settings"]>;
  family?: WorkerOptions["family"];
  operations?: WorkerOptions["operations"];
  toJob?: WorkerOptions["toJob"];
  models?: WorkerOptions["models"];
  others?: WorkerOptions["others"];
  /** Default: what each script says is the tail of what was heard. */
  windows?: WorkerOptions["windows"];
}

const toHeard: ToHeard = ({ meta }) => {
  const { text } = partSchema.parse(meta);
  return { stable: "", tail: text, memory: {}, language: "English" };
};

export function createScriptedWorker(options: ScriptedWorker): Promise<Worker> {
  const { bus, id, leaseTtl, family = "asr", operations = ["transcribe"], toJob } = options;
  return createWorker({
    bus,
    service: family === "asr" ? "transcribe-worker" : "tts-worker",
    id,
    operations,
    family,
    model: "scripted",
    accelerator: {
      id: options.accelerator ?? "cpu-test",
      device: "cpu",
      ...(options.memory && { memory: options.memory }),
    },
    ...(options.weightBytes !== undefined && { weightBytes: options.weightBytes }),
    lease: { ttlMs: leaseTtl * 1_000, host: "test" },
    engine: { entry: scriptedEngine, options: options.engineOptions ?? {} },
    settings: {
      maxBatchSize: 4,
      batchWaitMs: 20,
      idleMs: 0,
      passTimeoutMs: 20_000,
      quantumMs: 2_000,
      swapShare: 0.5,
      urgentShare: 0.9,
      batchShare: 0.1,
      maxDeliveries: 5,
      ...options.settings,
    },
    ...(toJob && { toJob }),
    ...(options.models && { models: options.models }),
    ...(options.others && { others: options.others }),
    windows: options.windows ?? (family === "asr" ? { toJob: windowAsItIs, toHeard } : undefined),
    toPart: ({ meta }) => partSchema.parse(meta),
    toResult: ({ headers }, { meta }, pass) => ({
      outcome: "ok",
      // What is counted of steps rides along.
      ...(meta as { text: string }),
      language: "English",
      words: [],
      start: 0,
      duration: 1,
      score: null,
      truncated: false,
      model: id,
      passSize: pass.size,
      last: headers.last,
      submittedAt: headers.submittedAt,
      timestamps: false,
      startedAt: pass.startedAt,
      finishedAt: pass.finishedAt,
    }),
    log: options.log ?? createLog(id, "silent"),
  });
}

if (import.meta.main) {
  const [, , id = "worker", url = "", leaseTtl = "2", maxDeliveries = "5"] = process.argv;
  const log = createLog(id, process.env.LOG_LEVEL ?? "silent");
  const bus = await connectBus({ url, name: id, log });
  const worker = await createScriptedWorker({
    bus,
    id,
    leaseTtl: Number(leaseTtl),
    settings: { maxDeliveries: Number(maxDeliveries) },
    log,
  });
  process.once("SIGTERM", async () => {
    await worker.close();
    await bus.close();
    process.exit(0);
  });
  process.stdout.write("ready\n");
  // Node writes it down when a process exits, and who is killed leaves nothing.
  flushCompileCache();
}
