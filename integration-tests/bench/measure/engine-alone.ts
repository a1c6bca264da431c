/** The engine without a pipeline: what it does at best with the same passes. */
import type { Engine, EngineJob, EngineOutcome } from "@parlance/inference/engine";
import { monotonicNow, runWholePass, startEngine } from "@parlance/inference/engine";
import type * as z from "zod";
import type { segmentMetaSchema } from "../../../services/transcribe-worker/src/segment-job.ts";

/** The transcribe worker's own engine module. */
const entry = new URL("../../../services/transcribe-worker/src/engine.ts", import.meta.url);
const DEADLINE_MS = 60_000;

export interface EngineAlone {
  /** Seconds that `passes` passes of these segments take, each handed over while the one before it runs. */
  backlog(segments: readonly Int16Array[], passes: number): Promise<number>;
  /** Milliseconds of each of `count` passes with this one segment, one after another. */
  single(segment: Int16Array, count: number): Promise<number[]>;
  /** What comes of one pass of these jobs. */
  outcomes(jobs: readonly EngineJob[]): Promise<EngineOutcome[]>;
  close(): Promise<void>;
}

/** The transcribe worker's engine with this model loaded, kept alive until it is closed. */
export async function engineOf(modelId: string): Promise<{ engine: Engine; close(): Promise<void> }> {
  const options = { modelId, device: "cpu", computeType: "auto", threads: 0, verified: [] };
  const engine = startEngine({ entry, options, deadline: monotonicNow() + DEADLINE_MS });
  const extension = setInterval(() => engine.extend(monotonicNow() + DEADLINE_MS), DEADLINE_MS / 4);
  const close = async () => {
    clearInterval(extension);
    await engine.kill();
  };
  try {
    await engine.loaded;
  } catch (error) {
    await close();
    throw error;
  }
  return { engine, close };
}

export async function startEngineAlone(modelId: string): Promise<EngineAlone> {
  const { engine, close } = await engineOf(modelId);

  async function pass(jobs: readonly EngineJob[]): Promise<void> {
    const { outcomes } = await runWholePass(engine, { jobs, urgency: 0 });
    const failed = outcomes.find((outcome) => !outcome.ok);
    if (failed !== undefined && !failed.ok) throw new Error(`the engine failed: ${failed.failure.message}`);
  }

  return {
    async backlog(segments, passes) {
      const jobs = segments.map((segment) => jobOf(segment));
      const started = performance.now();
      let before: Promise<void> = Promise.resolve();
      for (let index = 0; index < passes; index += 1) {
        const running = pass(jobs);
        await before;
        before = running;
      }
      await before;
      return (performance.now() - started) / 1_000;
    },
    async single(segment, count) {
      const taken: number[] = [];
      for (let index = 0; index < count; index += 1) {
        const started = performance.now();
        await pass([jobOf(segment)]);
        taken.push(performance.now() - started);
        await new Promise((later) => setTimeout(later, 5));
      }
      return taken;
    },
    async outcomes(jobs) {
      return (await runWholePass(engine, { jobs: [...jobs], urgency: 0 })).outcomes;
    },
    close,
  };
}

/** A segment as the worker hands it to its engine. */
export function jobOf(samples: Int16Array, wishes: Partial<z.input<typeof segmentMetaSchema>> = {}): EngineJob {
  const nothing: z.input<typeof segmentMetaSchema> = {
    language: "auto",
    timestamps: false,
    hotwords: [],
    phrases: [],
    context: "",
  };
  return {
    meta: { ...nothing, ...wishes },
    payload: new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength).slice(),
  };
}
