/**
 * `npm run bench:yield [-- --models a,b --arrivals 50 --rows 16]`: how long a realtime segment waits for a pass that is running. Writes
 * yield.md. The last line is JSON: waited_ms_p50, waited_ms_p95, batch_slowed, same_texts, of the model that did worst in each;
 * `models` has them one by one.
 *
 * A pass of 16 segments of 25 s runs on the CPU; segments of 3 s arrive at random moments and run inside it. The weights are
 * random and the sizes true, so no text ends by itself: rows end at a budget of tokens.
 *
 * - waited_ms: from the moment that the segment is handed to the engine to the start of its pass.
 * - batch_slowed: the batch pass's own seconds, less those of the passes inside it, over its seconds when nothing arrives. Passes with and
 *   without arrivals take turns.
 * - same_texts: every row of every pass says what it says without the others.
 *
 * Fails when a text differs, when waited_ms_p95 is 300 or more, or batch_slowed 1.05 or more.
 */

import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { SAMPLE_RATE } from "@parlance/contracts";
import type { Engine, EngineJob, EngineOutcome } from "@parlance/inference/engine";
import { exactSamples } from "../src/clips.ts";
import { seededRandom } from "../src/seeded-random.ts";
import { type TrueSizeModel, trueSizeModel } from "./load/true-size-model.ts";
import { engineOf, jobOf } from "./measure/engine-alone.ts";
import { machine } from "./measure/machine.ts";
import { quantile, round, show, spread } from "./measure/statistics.ts";

const BATCH_SECONDS = 25;
const URGENT_SECONDS = 3;
const ARRIVALS_PER_PASS = 17;
const AIMS = { waitedMs: 300, slowed: 1.05 };
const [REALTIME, BATCH] = [0, 2];

const models: Record<string, TrueSizeModel> = {
  "whisper-small": { shape: "whisper-small", formats: ["int8"], section: { maxTokens: 48, temperatures: [0] } },
  "qwen3-asr-0.6b": { shape: "qwen3-asr-0.6b", formats: ["int8"], section: { tokensPerSecond: 2, spareTokens: 0 } },
};

const { values: wished } = parseArgs({
  options: {
    models: { type: "string", default: Object.keys(models).join(",") },
    arrivals: { type: "string", default: "50" },
    rows: { type: "string", default: "16" },
  },
});
const arrivals = Number(wished.arrivals);
const rows = Number(wished.rows);
const say = (text: string) => process.stdout.write(`${text}\n`);

interface Ran {
  startedAt: number;
  finishedAt: number;
  /** When each row ended, in the order of the rows. */
  outcomes: EngineOutcome[];
}

interface Measured {
  model: string;
  waited: number[];
  alone: number[];
  withArrivals: number[];
  urgent: number[];
  sameTexts: boolean;
}

const audio = await exactSamples(rows * BATCH_SECONDS);
const batchJobs = Array.from({ length: rows }, (_, row) =>
  jobOf(audio.subarray(row * BATCH_SECONDS * SAMPLE_RATE, (row + 1) * BATCH_SECONDS * SAMPLE_RATE)),
);
const urgentJobs = Array.from({ length: 5 }, (_, row) =>
  jobOf(audio.subarray(row * URGENT_SECONDS * SAMPLE_RATE, (row + 1) * URGENT_SECONDS * SAMPLE_RATE)),
);

const measured: Measured[] = [];
for (const name of wished.models.split(",")) {
  const model = models[name];
  if (model === undefined) throw new Error(`--models: there is no ${name}, only ${Object.keys(models).join(", ")}`);
  measured.push(await measure(name, await trueSizeModel(model)));
}

const worst = (of: (each: Measured) => number) => Math.max(...measured.map(of));
const figures = {
  waited_ms_p50: worst(({ waited }) => quantile(waited, 0.5)),
  waited_ms_p95: worst(({ waited }) => quantile(waited, 0.95)),
  batch_slowed: round(worst(slowed)),
  same_texts: measured.every(({ sameTexts }) => sameTexts),
  models: Object.fromEntries(
    measured.map((each) => [
      each.model,
      {
        waited_ms_p50: quantile(each.waited, 0.5),
        waited_ms_p95: quantile(each.waited, 0.95),
        batch_slowed: round(slowed(each)),
        same_texts: each.sameTexts,
      },
    ]),
  ),
};
const claims = {
  [`a realtime segment waits less than ${AIMS.waitedMs} ms (p95)`]: figures.waited_ms_p95 < AIMS.waitedMs,
  [`the batch pass itself takes less than ${AIMS.slowed} of its time`]: figures.batch_slowed < AIMS.slowed,
  "every text is what it is without the others": figures.same_texts,
};
await writeFile(new URL("yield.md", import.meta.url), page());
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
say(JSON.stringify(figures));
process.exit(Object.values(claims).every(Boolean) ? 0 : 1);

async function measure(model: string, folder: string): Promise<Measured> {
  const { engine, close } = await engineOf(folder);
  const random = seededRandom(1);
  const result: Measured = { model, waited: [], alone: [], withArrivals: [], urgent: [], sameTexts: true };
  try {
    const expectedUrgent: EngineOutcome[][] = [];
    for (const job of urgentJobs) expectedUrgent.push((await run(engine, [job], REALTIME).over).outcomes);
    let expectedBatch: EngineOutcome[] | undefined;
    while (result.waited.length < arrivals) {
      const alone = await run(engine, batchJobs, BATCH).over;
      expectedBatch ??= alone.outcomes;
      requireOk(alone.outcomes);
      result.alone.push(secondsOf(alone));
      say(`${model}: ${rows} x ${BATCH_SECONDS} s alone in ${secondsOf(alone).toFixed(2)} s`);

      const wanted = Math.min(ARRIVALS_PER_PASS, arrivals - result.waited.length);
      const longestGap = (1_000 * secondsOf(alone) * 1.6) / (wanted + 1);
      const batch = run(engine, batchJobs, BATCH);
      let running = true;
      const ended = batch.over.then((ran) => {
        running = false;
        return ran;
      });
      await batch.started;
      const urgents: Ran[] = [];
      while (urgents.length < wanted) {
        await Promise.race([pause(random() * longestGap), ended]);
        if (!running) break;
        const place = result.waited.length % urgentJobs.length;
        const handedAt = Date.now();
        const urgent = await run(engine, urgentJobs.slice(place, place + 1), REALTIME).over;
        urgents.push(urgent);
        result.waited.push(urgent.startedAt - handedAt);
        result.urgent.push(secondsOf(urgent));
        result.sameTexts &&= isDeepStrictEqual(urgent.outcomes, expectedUrgent[place]);
      }
      const ran = await ended;
      result.sameTexts &&= isDeepStrictEqual(ran.outcomes, expectedBatch);
      const inside = urgents.filter(({ startedAt }) => startedAt < ran.finishedAt);
      const own = secondsOf(ran) - inside.reduce((sum, urgent) => sum + secondsOf(urgent), 0);
      result.withArrivals.push(own);
      say(`${model}: with ${urgents.length} arrivals ${own.toFixed(2)} s of its own`);
    }
    return result;
  } finally {
    await close();
  }
}

function run(engine: Engine, jobs: readonly EngineJob[], urgency: number) {
  const started = Promise.withResolvers<void>();
  const over = Promise.withResolvers<Ran>();
  const outcomes = new Map<number, EngineOutcome>();
  let startedAt: number | undefined;
  engine.run({ jobs, urgency }, (event) => {
    if (event.type === "started") {
      startedAt ??= event.at;
      started.resolve();
    } else if (event.type === "outcome") {
      outcomes.set(event.row, event.outcome);
      if (outcomes.size < jobs.length) return;
      const inOrder = jobs.flatMap((_, row) => outcomes.get(row) ?? []);
      over.resolve({ startedAt: startedAt ?? event.startedAt, finishedAt: event.finishedAt, outcomes: inOrder });
    } else if (event.type === "failed") over.reject(event.error);
    else if (event.type === "died") over.reject(new Error(`the engine died: ${event.exit.stderr}`));
  });
  return { started: started.promise, over: over.promise };
}

function requireOk(outcomes: readonly EngineOutcome[]): void {
  for (const outcome of outcomes) if (!outcome.ok) throw new Error(outcome.failure.message);
}

function secondsOf({ startedAt, finishedAt }: Ran): number {
  return (finishedAt - startedAt) / 1_000;
}

function slowed({ alone, withArrivals }: Measured): number {
  return quantile(withArrivals, 0.5) / quantile(alone, 0.5);
}

function page(): string {
  const lines = measured.map((each) => {
    const { model, waited, alone, withArrivals, urgent, sameTexts } = each;
    const waits = `${quantile(waited, 0.5).toFixed(0)} / ${quantile(waited, 0.95).toFixed(0)} / ${Math.max(...waited)}`;
    const times = `${show(spread(alone))} | ${show(spread(withArrivals))} | ${slowed(each).toFixed(3)} | ${show(spread(urgent))}`;
    return `| ${model} | ${waited.length} | ${waits} | ${times} | ${sameTexts ? "yes" : "**no**"} |`;
  });
  return `# How long realtime waits for a running pass

Written by \`npm run bench:yield\`. ${machine()}. A pass of ${rows} segments of ${BATCH_SECONDS} s runs; segments of ${URGENT_SECONDS} s
arrive at random moments and run inside it. Models of true size with random weights; rows end at a budget of tokens.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

Times are medians, with the least and the most.

| model | arrivals | waited, ms: p50 / p95 / longest | pass alone, s | pass with arrivals, its own s | ratio | realtime pass, s | same texts |
| --- | --- | --- | --- | --- | --- | --- | --- |
${lines.join("\n")}
`;
}
