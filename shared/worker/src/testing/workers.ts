/** For the tests of one file: a queue, and workers in this process that are closed after each test, with no engine left. */
import { connectBus } from "@parlance/bus";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { Worker } from "../worker-options.ts";
import { livingEngines, type Pipeline, startPipeline } from "./pipeline.ts";
import { createScriptedWorker, type ScriptedWorker } from "./scripted-worker.ts";

export interface TestWorkers {
  readonly pipeline: Pipeline;
  start(options?: Partial<ScriptedWorker>): Promise<Worker>;
  /** One of the running ones, by the order of their start. Default: the newest. */
  close(index?: number): Promise<void>;
  closeAll(): Promise<void>;
}

/** Seconds: with less an engine ends at its deadline where other suites have the cores. */
const LEASE_TTL = 5;

export function useWorkers(): TestWorkers {
  let pipeline: Pipeline | undefined;
  const running: { close(): Promise<void> }[] = [];
  let started = 0;

  function queue(): Pipeline {
    if (pipeline === undefined) throw new Error("the queue runs only while tests do");
    return pipeline;
  }

  async function closeAll(): Promise<void> {
    await Promise.all(running.splice(0).map(({ close }) => close()));
  }

  beforeAll(async () => {
    pipeline = await startPipeline({ settings: { LEASE_TTL } });
  });
  afterEach(async () => {
    await closeAll();
    expect(livingEngines()).toEqual([]);
    pipeline?.nextBatch();
  });
  afterAll(async () => await pipeline?.stop());

  return {
    get pipeline() {
      return queue();
    },
    async start(options = {}) {
      const id = `w${started++}`;
      const bus = await connectBus({ name: id, ...queue().server.as("transcribe-worker") });
      const worker = await createScriptedWorker({ bus, id, leaseTtl: LEASE_TTL, ...options });
      running.push({
        async close() {
          await worker.close();
          await bus.close();
        },
      });
      return worker;
    },
    async close(index = running.length - 1) {
      await running.splice(index, 1)[0]?.close();
    },
    closeAll,
  };
}
