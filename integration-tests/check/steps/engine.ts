/**
 * The product's own engine process with a model of true size: load, warm-up, passes of several sizes, memory while it is loaded, and
 * what is left of it after it was killed, which is how a model is unloaded.
 */
import { setTimeout as pause } from "node:timers/promises";
import { SAMPLE_RATE } from "@parlance/contracts";
import { type EngineJob, monotonicNow, runWholePass, startEngine } from "@parlance/inference/engine";
import * as z from "zod";
import { quantile, round } from "../../bench/measure/statistics.ts";
import { exactSamples } from "../../src/clips.ts";
import { isAlive, memoryOf } from "../../src/process-table.ts";
import { settledMb, usedMb } from "../gpu-memory.ts";
import { type Order, sizes, type Tell } from "../order.ts";
import { programUrl } from "../programs.ts";

const DEADLINE_MS = 60_000;
const loadedSchema = z.object({
  computeType: z.string(),
  checkSeconds: z.number(),
  loadSeconds: z.number(),
  warmUpSeconds: z.number(),
});

export async function engine({ device, work, model = "" }: Order, tell: Tell): Promise<void> {
  const { rows, seconds, rounds, uncounted } = sizes[device];
  const before = await usedMb();
  const options = { modelId: `${work}/${model}`, device, computeType: "auto", threads: 0, verified: [] };
  const began = performance.now();
  const started = startEngine({
    entry: programUrl("engine"),
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
    const speech = await exactSamples(seconds);
    const medians = new Map<number, number>();
    for (const count of rows) {
      const jobs = Array.from({ length: count }, (_, row) => jobOf(speech, row));
      const taken: number[] = [];
      while (taken.length < uncounted + rounds) taken.push(await pass(jobs));
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
          audio_s_per_s: round((count * seconds) / median, 1),
        },
      });
    }
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

  /** Seconds from handing it over to its outcomes. */
  async function pass(jobs: EngineJob[]): Promise<number> {
    // The engine takes the buffers along.
    const sent = jobs.map(({ meta, payload }) => ({ meta, payload: payload.slice() }));
    const from = performance.now();
    const { outcomes } = await runWholePass(started, { jobs: sent, urgency: 0 });
    const taken = (performance.now() - from) / 1_000;
    const failed = outcomes.find((outcome) => !outcome.ok);
    if (failed !== undefined && !failed.ok)
      throw new Error(`a pass of ${jobs.length} failed: ${failed.failure.message}`);
    return taken;
  }
}

/** The same speech, turned by a different part for each row, so that no two are alike. */
function jobOf(speech: Int16Array, row: number): EngineJob {
  const turned = new Int16Array(speech.length);
  const at = (row * SAMPLE_RATE) % speech.length;
  turned.set(speech.subarray(at));
  turned.set(speech.subarray(0, at), speech.length - at);
  const meta = { language: "English", timestamps: false, hotwords: [], phrases: [], context: "" };
  return { meta, payload: new Uint8Array(turned.buffer) };
}
