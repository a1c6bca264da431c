/**
 * The product's own engine process with a model of true size: load, warm-up, passes of several sizes, memory while it is loaded, and
 * what is left of it after it was killed, which is how a model is unloaded. Of one that speaks, that the parts of a text's sound are the whole.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  type Engine,
  type EngineJob,
  type EngineOutcome,
  type EnginePart,
  monotonicNow,
  runWholePass,
  startEngine,
} from "@parlance/inference/engine";
import * as z from "zod";
import { quantile, round } from "../../bench/measure/statistics.ts";
import { isAlive, memoryOf } from "../../src/process-table.ts";
import { settledMb, usedMb } from "../gpu-memory.ts";
import { type Order, sizes, type Tell } from "../order.ts";
import { createEngineWork } from "./engine-work.ts";

const DEADLINE_MS = 60_000;
const loadedSchema = z.object({
  computeType: z.string(),
  checkSeconds: z.number(),
  loadSeconds: z.number(),
  warmUpSeconds: z.number(),
});

export async function engine(order: Order, tell: Tell): Promise<void> {
  const { device, work, model = "" } = order;
  const { rows, rounds, uncounted } = sizes[device];
  const { entry, jobs: jobsOf, soundOf } = await createEngineWork(order);
  const before = await usedMb();
  const options = { modelId: `${work}/${model}`, device, computeType: "auto", threads: 0, verified: [] };
  const began = performance.now();
  const started = startEngine({
    entry,
    options,
    deadline: monotonicNow() + DEADLINE_MS,
    onExit: ({ stderr }) => process.stderr.write(`${stderr}\n`),
    log: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  });
  const extension = setInterval(() => started.extend(monotonicNow() + DEADLINE_MS), DEADLINE_MS / 4);
  try {
    const loaded = loadedSchema.parse(await started.loaded);
    tell({
      compute_type: loaded.computeType,
      check_s: loaded.checkSeconds,
      load_s: round(loaded.loadSeconds - loaded.checkSeconds),
      warm_up_s: loaded.warmUpSeconds,
      ready_s: round((performance.now() - began) / 1_000),
    });
    const joined = { rows: 0, parts: 0 };
    const medians = new Map<number, number>();
    for (const count of rows) {
      const taken: number[] = [];
      let sound = 0;
      while (taken.length < uncounted + rounds) {
        const done = await pass(jobsOf(count));
        taken.push(done.taken);
        sound = soundOf(done.outcomes);
        for (const parts of done.parts.values()) {
          joined.rows++;
          joined.parts += parts.length;
        }
      }
      const counted = taken.slice(uncounted);
      const median = quantile(counted, 0.5);
      medians.set(count, median);
      tell({
        [`pass_${count}`]: {
          ...{
            rows: count,
            seconds_p50: round(median),
            first_s: round(taken[0] ?? 0),
            all_s: counted.map((each) => round(each)),
          },
          audio_s_per_s: round(sound / median, 1),
        },
      });
    }
    if (joined.rows > 0) tell({ parts_joined: joined });
    const [one, many = 1] = rows;
    tell({ [`one_pass_${many}_over_1`]: round((medians.get(many) ?? 0) / (medians.get(one) ?? 1)) });
    const used = await usedMb();
    tell({
      memory_loaded_mb: Math.round(memoryOf(started.pid)?.resident ?? 0),
      vram_loaded_mb: device === "cuda" && used !== undefined && before !== undefined ? used - before : null,
    });
  } finally {
    clearInterval(extension);
    await started.kill();
  }
  const gone = performance.now();
  while (isAlive(started.pid) && performance.now() - gone < DEADLINE_MS) await pause(20);
  const after = device === "cuda" ? await settledMb(before ?? 0) : undefined;
  tell({
    unload_s: round((performance.now() - gone) / 1_000),
    vram_after_unload_mb: after === undefined || before === undefined ? null : Math.max(0, after - before),
  });

  /** `taken`: seconds from handing it over to its outcomes. */
  async function pass(jobs: EngineJob[]) {
    const from = performance.now();
    const { outcomes, parts } = await runTold(started, jobs);
    const taken = (performance.now() - from) / 1_000;
    const failed = outcomes.find((outcome) => !outcome.ok);
    if (failed !== undefined && !failed.ok)
      throw new Error(`a pass of ${jobs.length} failed: ${failed.failure.message}`);
    const apart = [...parts].find(([row, told]) => !isWhole(told, outcomes[row]));
    if (apart !== undefined) throw new Error(`the parts of row ${apart[0]} of ${jobs.length} are not its sound`);
    return { taken, outcomes, parts };
  }
}

/** A pass, and of rows that are read while they are made the bytes of their parts. */
async function runTold(started: Engine, jobs: EngineJob[]) {
  const parts = new Map<number, Uint8Array[]>();
  const onPart = (row: number, { payload }: EnginePart) => {
    parts.set(row, [...(parts.get(row) ?? []), payload ?? new Uint8Array()]);
  };
  const { outcomes } = await runWholePass(started, { jobs, urgency: 0, onPart });
  return { outcomes, parts };
}

function isWhole(parts: readonly Uint8Array[], outcome: EngineOutcome | undefined): boolean {
  return outcome?.ok === true && Buffer.concat(parts).equals(outcome.payload ?? new Uint8Array());
}
