/**
 * `bench:engines -- --refill`: what it is worth that waiting rows take the places of rows that have ended. Rows of skewed lengths, as
 * recordings have them, go through the transcribe worker's engine in passes of 16: once each pass by itself, once with room to join,
 * in turns. Models of true size with random weights; a row says tokens by its length, as speech does.
 */
import { writeFile } from "node:fs/promises";
import { SAMPLE_RATE } from "@parlance/contracts";
import { type Engine, type Room, runWholePass } from "@parlance/inference/engine";
import { exactSamples } from "../../src/clips.ts";
import { seededRandom } from "../../src/seeded-random.ts";
import { skewedLengths } from "../load/spoken.ts";
import { type TrueSizeModel, trueSizeModel } from "../load/true-size-model.ts";
import { engineOf, jobOf } from "../measure/engine-alone.ts";
import { machine } from "../measure/machine.ts";
import { quantile, round, show, spread } from "../measure/statistics.ts";

const ROWS = 64;
const PLACES = 16;
const LONGEST_SECONDS = 25;
/** Of a row's audio, as pauses cut speech; none is above a segment's length. */
const ROW_SECONDS = { median: 6, shortest: 1, longest: LONGEST_SECONDS, spread: 0.8 };
const AIM = 1.15;
/**
 * What must hold on two cores, whose steps cost what their rows cost: a full pass is worth little there, and joining must cost nothing
 * beyond what two runs of the same differ by.
 */
const CLAIM = 0.95;

/** English is some four tokens a second. */
const spoken = { tokensPerSecond: 4, spareTokens: 0 };
const models: Record<string, TrueSizeModel> = {
  "whisper-small": { shape: "whisper-small", formats: ["int8"], section: { ...spoken, temperatures: [0] } },
  "qwen3-asr-0.6b": { shape: "qwen3-asr-0.6b", formats: ["int8"], section: spoken },
};

interface Measured {
  model: string;
  without: number[];
  refilled: number[];
  gain: number;
}

/** Answers whether the claim holds. `names`: of the models, default all. */
export async function benchRefill({ names, rounds }: { names: string | undefined; rounds: number }): Promise<boolean> {
  const lengths = skewedLengths(ROWS, ROW_SECONDS, seededRandom(7));
  const seconds = lengths.reduce((sum, length) => sum + length, 0);
  const audio = await exactSamples(LONGEST_SECONDS + ROWS);
  const jobs = lengths.map((length, row) => {
    const from = row * SAMPLE_RATE;
    return jobOf(audio.subarray(from, from + Math.round(length * SAMPLE_RATE)));
  });
  const measured: Measured[] = [];
  for (const model of names?.split(",") ?? Object.keys(models)) {
    const chosen = models[model];
    if (chosen === undefined) throw new Error(`--models: there is no ${model}, only ${Object.keys(models).join(", ")}`);
    const { engine, close } = await engineOf(await trueSizeModel(chosen));
    const [without, refilled]: [number[], number[]] = [[], []];
    try {
      const room: Room = { rows: PLACES, bytes: Number.MAX_SAFE_INTEGER };
      const ways = [
        { times: without, run: () => runBacklog(engine, jobs, undefined) },
        { times: refilled, run: () => runBacklog(engine, jobs, room) },
      ];
      for (let turn = 0; turn < rounds; turn += 1) {
        for (const { times, run } of turn % 2 === 0 ? ways : ways.toReversed()) times.push(seconds / (await run()));
        process.stdout.write(
          `${model}: ${without.at(-1)?.toFixed(2)} s of audio a second in passes by themselves, ${refilled.at(-1)?.toFixed(2)} refilled\n`,
        );
      }
    } finally {
      await close();
    }
    measured.push({ model, without, refilled, gain: quantile(refilled, 0.5) / quantile(without, 0.5) });
  }
  const holds = measured.every(({ gain }) => gain >= CLAIM);
  await writeFile(new URL("../engines-refill.md", import.meta.url), page(measured, lengths, holds));
  const figures = {
    refill_gain: Object.fromEntries(measured.map(({ model, gain }) => [model, round(gain)])),
    audio_s_per_s: Object.fromEntries(
      measured.map(({ model, refilled }) => [model, round(quantile(refilled, 0.5), 2)]),
    ),
    audio_s_per_s_without: Object.fromEntries(
      measured.map(({ model, without }) => [model, round(quantile(without, 0.5), 2)]),
    ),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  return holds;
}

/** Seconds until all rows are done. As a worker does it: one pass is always handed over behind the running one. */
async function runBacklog(
  engine: Engine,
  jobs: readonly ReturnType<typeof jobOf>[],
  room: Room | undefined,
): Promise<number> {
  const began = performance.now();
  const passes: Promise<unknown>[] = [];
  for (let from = 0; from < jobs.length; from += PLACES) {
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const pass = runWholePass(engine, {
      jobs: jobs.slice(from, from + PLACES),
      urgency: 2,
      room,
      onStarted: () => resolve(),
    }).then(({ outcomes }) => {
      for (const outcome of outcomes) if (!outcome.ok) throw new Error(outcome.failure.message);
    });
    passes.push(pass);
    await Promise.race([begun, pass]);
  }
  await Promise.all(passes);
  return (performance.now() - began) / 1_000;
}

function page(measured: readonly Measured[], lengths: readonly number[], holds: boolean): string {
  const lines = measured.map(
    ({ model, without, refilled, gain }) =>
      `| ${model} | ${show(spread(without))} | ${show(spread(refilled))} | ${gain.toFixed(2)} |`,
  );
  return `# Waiting rows in the places of those that have ended

Written by \`npm run bench:engines -- --refill\`. ${machine()}. ${ROWS} rows of ${quantile(lengths, 0.5).toFixed(1)} s (median; ${Math.min(...lengths).toFixed(1)} to
${Math.max(...lengths).toFixed(1)} s), ${PLACES} at a time, four tokens for each second. Models of true size with random weights.

- refilling costs nothing: at least ${CLAIM} of the audio a second of passes by themselves: ${holds ? "holds" : "**does not hold in this run**"}
- aim: ${AIM} times the audio a second: ${measured.every(({ gain }) => gain >= AIM) ? "met" : "**not met in this run**"}

Seconds of audio a second: medians, with the least and the most.

| model | each pass by itself | refilled | gain |
| --- | --- | --- | --- |
${lines.join("\n")}

A row that ends leaves its pass, so on a CPU a step costs what the rows that are left cost: places that stand empty cost next to nothing, and refilling
saves reading the weights for a few last rows. Whisper's rows bring a window of 30 s to the encoder whatever their length, and that is most of its time.
Where a step costs the same for one row as for sixteen, as on a GPU, the gain is larger; that was not run.
`;
}
