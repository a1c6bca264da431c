/**
 * `npm run bench:live [-- --models a,b --sessions 10 --search 64]`: how soon live speech is told, and what a backlog and other sessions cost it.
 * Writes live.md. The last line is JSON: partial_ms_p50, partial_ms_p95, partial_ms_p95_loaded, final_ms_p95, batch_share_kept,
 * sessions_at_300ms, longest_gap_ms_overloaded, of the model that ships; `models` has them one by one. SECONDS is how long its sessions speak.
 *
 * Over subjects, through the whole pipeline at default settings: ten sessions speak at the pace of people, by themselves and then beside a
 * backlog of 30-minute files. With the embedded model, and shorter with models of true size and random weights, whose rows
 * end at a budget of tokens.
 *
 * - partial_ms: from the end of a word to the partial that holds it.
 * - final_ms: from the end of speech to the final, less the silence that was asked for.
 * - batch_share_kept: the backlog's speed beside the sessions, over its speed by itself.
 * - sessions_at_300ms: most sessions with a p95 of partials under 300 ms.
 * - longest_gap_ms_overloaded: the longest time that one of 20 sessions waited for an answer, at 2.5 times what the machine can do or more;
 *   of more sessions where 20 do not want so much.
 *
 * Fails when the embedded model's partials take more than 300 ms (p95), when a backlog adds more than 250, or when a session starves.
 */
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { loadDirectEngine } from "../src/direct-engine.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { createRestClient } from "../src/rest-client.ts";
import { AIMS, claimsOf, figuresOf, type Measured, nextLevel, type Overload, overloadOf } from "./live/figures.ts";
import type { HeldBy } from "./live/lags.ts";
import { keepLongFiles } from "./live/long-files.ts";
import { type ModelResult, page } from "./live/page.ts";
import { type Lags, lagsOf, runSpeakers } from "./live/speakers.ts";
import { readSpeech } from "./load/known-speech.ts";
import { type TrueSizeModel, trueSizeModel } from "./load/true-size-model.ts";
import { quantile } from "./measure/statistics.ts";

interface BenchModel {
  /** Default: the embedded one. */
  shape?: TrueSizeModel;
  /** Of each session's speech. */
  seconds: number;
  /** Whether to look for the most sessions that it serves in time. */
  search: boolean;
  /** Sessions that want more than the machine can do, more of them where it can, and how often they want an answer; undefined: not tried. */
  overload?: { sessions: number; partialMs: number };
}

const FILE_SECONDS = 1_800;
const BACKLOG_ALONE_MS = 20_000;
const SEARCH_SECONDS = 15;
const OVERLOAD_SECONDS = 20;
const MOST_OVERLOAD = 80;
/** Sessions more than would do, by what fewer of them got. */
const MORE = 1.05;
const WARM_UP_SECONDS = 8;

/** English is some four tokens a second. */
const TOKENS_PER_SECOND = 4;
const spoken = { tokensPerSecond: TOKENS_PER_SECOND, spareTokens: 0 };
/** Of random weights no text is likely: by the usual thresholds each would be tried again at all temperatures. */
const believed = { logProbabilityThreshold: -1_000, compressionRatioThreshold: 1_000 };

const EMBEDDED = "parlance-en";
const models: Record<string, BenchModel> = {
  [EMBEDDED]: {
    seconds: Number(process.env.SECONDS ?? 120),
    search: true,
    overload: { sessions: 20, partialMs: 50 },
  },
  "whisper-base": {
    shape: { shape: "whisper-base", formats: ["float32"], section: { ...spoken, ...believed } },
    seconds: 20,
    search: false,
    overload: { sessions: 20, partialMs: 200 },
  },
  "qwen3-asr-0.6b": {
    shape: { shape: "qwen3-asr-0.6b", formats: ["int8"], section: spoken },
    seconds: 20,
    search: false,
  },
};

const { values: wished } = parseArgs({
  options: {
    models: { type: "string", default: Object.keys(models).join(",") },
    sessions: { type: "string", default: "10" },
    search: { type: "string", default: "64" },
  },
});
const sessions = Number(wished.sessions);
const mostSessions = Number(wished.search);
const { LIVE_SILENCE_MS } = readSettings(["LIVE_SILENCE_MS"], {});
const say = (text: string) => process.stdout.write(`${text}\n`);

const reader = await loadDirectEngine();
const speech = await readSpeech(reader);
await reader.close();
const results: ModelResult[] = [];
for (const name of wished.models.split(",")) {
  const model = models[name];
  if (model === undefined) throw new Error(`--models: there is no ${name}, only ${Object.keys(models).join(", ")}`);
  const by = model.shape === undefined ? "text" : "time";
  const measured = await measure(name, model, by);
  results.push({ ...measured, by, seconds: model.seconds, figures: figuresOf(measured) });
}

const held = (results.find(({ model }) => model === EMBEDDED) ?? results[0])?.figures;
if (held === undefined) throw new Error("no model was measured");
const claims = claimsOf(held, results);
const setup = { fileSeconds: FILE_SECONDS, silenceMs: LIVE_SILENCE_MS, tokensPerSecond: TOKENS_PER_SECOND };
await writeFile(new URL("live.md", import.meta.url), page(results, claims, setup));
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
say(JSON.stringify({ ...held, models: Object.fromEntries(results.map(({ model, figures }) => [model, figures])) }));
process.exit(Object.values(claims).every(Boolean) ? 0 : 1);

async function measure(model: string, wishes: BenchModel, by: HeldBy): Promise<Measured> {
  const { seconds, search, overload } = wishes;
  const folder = wishes.shape === undefined ? model : await trueSizeModel(wishes.shape);
  const settings = { MODEL_ID: folder, IDLE_TIMEOUT: "0", ENABLE_TTS: "false" };
  const measured = await withPipeline(settings, async (pipeline) => {
    const alone = await speak(pipeline, `${model}, alone`, sessions, seconds, by);
    const levels: Measured["levels"] = [];
    for (let next = search ? nextLevel([], mostSessions) : undefined; next !== undefined; ) {
      const { partial } = await speak(pipeline, `${model}, search`, next, SEARCH_SECONDS, by);
      levels.push({ sessions: next, p95: quantile(partial, 0.95) });
      next = nextLevel(levels, mostSessions);
    }
    return { model, alone, levels, ...(await besideFiles(pipeline, model, seconds, by)) };
  });
  if (overload === undefined) return { ...measured, overloaded: undefined };
  const often = { ...settings, LIVE_PARTIAL_MS: String(overload.partialMs) };
  return await withPipeline(often, async (pipeline) => {
    for (let count = overload.sessions; ; ) {
      const lags = await speak(pipeline, `${model}, overloaded`, count, OVERLOAD_SECONDS, by);
      const overloaded = { ...lags, ...wantedOf(lags, overload.partialMs) };
      const times = overloadOf(overloaded);
      if (times >= AIMS.overload || count >= MOST_OVERLOAD) return { ...measured, overloaded };
      count = Math.min(MOST_OVERLOAD, Math.ceil((count * AIMS.overload * MORE) / times));
    }
  });
}

/** The sessions beside a backlog, and the backlog by itself. */
async function besideFiles(pipeline: Pipeline, model: string, seconds: number, by: HeldBy) {
  const bus = await connectBus({ url: pipeline.natsUrl, name: "bench", ...pipeline.credentials("topology") });
  const files = await keepLongFiles({
    bus,
    client: createRestClient(() => pipeline.gatewayUrl),
    seconds: FILE_SECONDS,
  });
  try {
    const began = Date.now();
    await pause(BACKLOG_ALONE_MS);
    const backlogAlone = await files.speed(began, Date.now());
    const from = Date.now();
    const loaded = await speak(pipeline, `${model}, loaded`, sessions, seconds, by);
    const backlogBeside = await files.speed(from, from + seconds * 1_000);
    say(`${model}: the backlog by itself ${backlogAlone.toFixed(1)} s a second, beside ${backlogBeside.toFixed(1)}`);
    return { loaded, backlogAlone, backlogBeside };
  } finally {
    await files.stop();
    await bus.close();
  }
}

async function speak(pipeline: Pipeline, what: string, count: number, seconds: number, by: HeldBy): Promise<Lags> {
  const run = await runSpeakers({ natsUrl: pipeline.natsUrl, speech, sessions: count, seconds, limitMs: 300_000 });
  const lags = lagsOf(run, by, LIVE_SILENCE_MS);
  const p95 = lags.partial.length === 0 ? Number.NaN : quantile(lags.partial, 0.95);
  say(`${what}: ${count} sessions, ${lags.words} words, partial p95 ${p95.toFixed(0)} ms, ${lags.failed} failed`);
  return lags;
}

function wantedOf({ speaking, answers, seconds }: Lags, partialMs: number): Overload {
  return { wanted: (speaking * 1_000) / partialMs / seconds, got: answers / seconds };
}

/** Warm: the first session of an engine waits for its model. */
async function withPipeline<T>(settings: Record<string, string>, use: (pipeline: Pipeline) => Promise<T>): Promise<T> {
  const pipeline = await startPipeline(settings);
  try {
    await runSpeakers({ natsUrl: pipeline.natsUrl, speech, sessions: 1, seconds: WARM_UP_SECONDS, limitMs: 300_000 });
    return await use(pipeline);
  } finally {
    await pipeline.stop();
  }
}
