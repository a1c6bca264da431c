/**
 * `npm run bench:swap`: two minutes of mixed load on one device: a transcription backlog, a speech backlog, and a request of each kind
 * every few seconds. Writes swap.md. The last line is JSON: families_max, swap_share, swap_ms_p50, interactive_wait_ms_p95,
 * transcribed, spoken.
 *
 * - families_max: most families with a living engine at one moment, from the process table, looked at every 20 ms.
 * - swap_share: time between the last pass of one family and the first one of the other, of the whole.
 * - interactive_wait_ms_p95: from a request's acceptance to the pass that ran it, of the requests whose family had no engine then.
 *
 * Fails when two families were loaded at once, when those requests waited longer than the longest pass and the longest swap of this run, or when a
 * backlog went without a pass for too long. SECONDS sets the duration.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectBus } from "@parlance/bus";
import { type Family, families, type GpuStatus } from "@parlance/contracts";
import { concatenate, demoClips } from "../src/clips.ts";
import { watchEngines } from "../src/engine-watch.ts";
import { startPipeline } from "../src/pipeline.ts";
import { createRestClient } from "../src/rest-client.ts";
import { seededRandom } from "../src/seeded-random.ts";
import { keepAsking, keepBacklog } from "./load/mixed-load.ts";
import { machine } from "./measure/machine.ts";
import { longestGap, type PassRow, passesOf, readRows, swapsOf } from "./measure/passes.ts";
import { quantile, round } from "./measure/statistics.ts";

const SECONDS = Number(process.env.SECONDS ?? 120);
const REQUEST_EVERY_MS = 6_000;
/** A backlog without a pass for so long counts as starved. */
const STARVED_MS = 45_000;
const workerOf: Record<Family, string> = { asr: "transcribe-worker", tts: "tts-worker" };

const texts = [
  "The meeting is at three in the afternoon, and nobody knows where.",
  "Please close the window, it is getting cold in here.",
  "We will send you the tickets on Monday or Tuesday.",
  "The new road is open, but most drivers still take the old one.",
  "She read the whole book in one evening and gave it back.",
  "There is fresh bread on the table, and coffee in the kitchen.",
];

const say = (text: string) => process.stdout.write(`${text}\n`);

const clips = await demoClips();
const recordings = [clips.slice(0, 3), clips.slice(3, 6), clips.slice(6, 9), clips.slice(9, 12)];
const pipeline = await startPipeline();
const client = createRestClient(() => pipeline.gatewayUrl);
const bus = await connectBus({ url: pipeline.natsUrl, name: "bench", ...pipeline.credentials("topology") });
const watch = watchEngines(pipeline);

const uploads: string[] = [];
for (const each of recordings) {
  const { bytes, name, type } = await concatenate(each);
  uploads.push(await client.upload(bytes, name, type));
}
const clip = clips.find(({ type }) => type === "audio/wav");
if (clip === undefined) throw new Error("the demo has no WAV recording");

say(`${SECONDS} s of two backlogs, and a request of each kind every ${REQUEST_EVERY_MS / 1_000} s`);
const over = AbortSignal.timeout(SECONDS * 1_000);
const from = Date.now();
const random = seededRandom(1);
const common = { everyMs: REQUEST_EVERY_MS, random, signal: over };
const progress = setInterval(() => say(`${Math.round((Date.now() - from) / 1_000)} s`), 20_000);
const [transcriptions, speeches] = await Promise.all([
  keepBacklog({
    bus,
    client,
    operation: "transcribe",
    item: (index) => ({
      operation: "transcribe",
      ref_audio: uploads[index % uploads.length] ?? "",
      custom_id: String(index),
    }),
    signal: over,
  }),
  keepBacklog({
    bus,
    client,
    operation: "custom_voice",
    item: (index) => ({ operation: "custom_voice", text: texts[index % texts.length] ?? "", custom_id: String(index) }),
    signal: over,
  }),
  keepAsking({ ...common, afterMs: REQUEST_EVERY_MS / 2, request: askForTranscript }),
  keepAsking({ ...common, afterMs: REQUEST_EVERY_MS, request: askForSpeech }),
]);
const to = from + SECONDS * 1_000;
clearInterval(progress);
const devices = await askForSwaps();
const rows = (await readRows(bus)).filter(({ startedAt }) => startedAt < to);
watch.stop();
await bus.close();
await pipeline.stop();

const backlog: Record<Family, Set<string>> = { asr: new Set(transcriptions), tts: new Set(speeches) };
const passes = passesOf(rows);
const swaps = swapsOf(passes);
const isRequest = ({ family, batchId }: PassRow) => !backlog[family].has(batchId);
const waits = (chosen: readonly PassRow[]) => chosen.map(({ startedAt, submittedAt }) => startedAt - submittedAt);
const requests = rows.filter(isRequest);
const unloaded = requests.filter(({ family, submittedAt }) => !watch.wasAlive(workerOf[family], submittedAt));
const lengths = passes.map(({ startedAt, finishedAt }) => finishedAt - startedAt);
/** What a request of the family that is not loaded may have to wait for. */
const boundMs = Math.max(...lengths) + Math.max(...swaps);
const gaps = Object.fromEntries(
  families.map((family) => [family, longestGap(passes, backlog[family], from, to)]),
) as Record<Family, number>;
const done = (family: Family) => rows.filter((row) => row.family === family).length;

const figures = {
  families_max: watch.mostFamilies,
  swap_share: round(swaps.reduce((sum, milliseconds) => sum + milliseconds, 0) / (to - from)),
  swap_ms_p50: Math.round(quantile(swaps, 0.5)),
  interactive_wait_ms_p95: Math.round(quantile(waits(unloaded), 0.95)),
  transcribed: done("asr"),
  spoken: done("tts"),
};
const claims = {
  "never two families loaded at once": figures.families_max === 1,
  "requests of the family not loaded wait for a pass and a swap at most (p95)":
    figures.interactive_wait_ms_p95 <= boundMs,
  "neither backlog starves": families.every((family) => gaps[family] < STARVED_MS),
};
writeFileSync(fileURLToPath(new URL("./swap.md", import.meta.url)), page());
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
say(JSON.stringify(figures));
process.exit(Object.values(claims).every(Boolean) ? 0 : 1);

async function askForTranscript(): Promise<void> {
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(clip?.bytes ?? [])], { type: "audio/wav" }), "request.wav");
  await answered(await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form }));
}

async function askForSpeech(): Promise<void> {
  const body = JSON.stringify({ model: "parlance-voice", input: "Somebody waits for this.", response_format: "wav" });
  const headers = { "content-type": "application/json" };
  await answered(await fetch(`${pipeline.gatewayUrl}/v1/audio/speech`, { method: "POST", headers, body }));
}

async function answered(response: Response): Promise<void> {
  const body = await response.arrayBuffer();
  if (!response.ok) throw new Error(`a request was answered ${response.status}: ${Buffer.from(body).toString()}`);
}

/** From the workers that answer in time; a busy one is asked again. */
async function askForSwaps(): Promise<GpuStatus["devices"]> {
  for (let again = 0; ; again += 1) {
    const { devices: answer } = await client.json<GpuStatus>("/api/v1/gpu");
    const told = new Set(answer.flatMap(({ swaps: { recent } }) => recent.map(({ family }) => family)));
    if (told.size === families.length || again === 10) return answer;
    await pause(1_000);
  }
}

function page(): string {
  const seconds = (milliseconds: number) => (milliseconds / 1_000).toFixed(2);
  const line = (name: string, family: Family, chosen: readonly PassRow[]) => {
    const values = waits(chosen.filter((row) => row.family === family));
    if (values.length === 0) return `| ${family} | ${name} | 0 | | | |`;
    const [p50, p95] = [quantile(values, 0.5), quantile(values, 0.95)];
    return `| ${family} | ${name} | ${values.length} | ${seconds(p50)} | ${seconds(p95)} | ${seconds(Math.max(...values))} |`;
  };
  const recent = devices.flatMap((device) => device.swaps.recent);
  const part = (family: Family, of: (swap: (typeof recent)[number]) => number) => {
    const values = recent.filter((swap) => swap.family === family).map(of);
    return values.length === 0 ? "" : quantile(values, 0.5).toFixed(3);
  };
  return `# Two families on one device

Written by \`npm run bench:swap\`. ${machine()}. ${SECONDS} s of a transcription backlog (\`parlance-en\`), a speech backlog (\`parlance-voice\`), and a
request of each kind every ${REQUEST_EVERY_MS / 1_000} s, give or take a fifth.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

| | |
| --- | --- |
| families with a living engine at one moment, at most | ${figures.families_max} |
| swaps | ${swaps.length} |
| swap, last pass of one family to the first of the other: p50 / p95 / longest, s | ${seconds(quantile(swaps, 0.5))} / ${seconds(quantile(swaps, 0.95))} / ${seconds(Math.max(...swaps))} |
| share of the time that went into swaps | ${(100 * figures.swap_share).toFixed(1)} % |
| pass: p50 / p95 / longest, s | ${seconds(quantile(lengths, 0.5))} / ${seconds(quantile(lengths, 0.95))} / ${seconds(Math.max(...lengths))} |
| longest time without a pass of the backlog: transcription / speech, s | ${seconds(gaps.asr)} / ${seconds(gaps.tts)} |
| segments transcribed / spoken | ${figures.transcribed} / ${figures.spoken} |

From acceptance to the pass that ran it, in seconds. A request that finds its family not loaded is held against the longest
pass and the longest swap of the run: ${seconds(boundMs)} s.

| family | lane | jobs | p50 | p95 | longest |
| --- | --- | --- | --- | --- | --- |
${families
  .flatMap((family) => [
    line("interactive, family not loaded", family, unloaded),
    line("interactive, all", family, requests),
    line(
      "batch",
      family,
      rows.filter((row) => !isRequest(row)),
    ),
  ])
  .join("\n")}

What a load is made of, median of the newest, in seconds: the engine process until it begins to load; finding the model and verifying its
files; sessions and what else the architecture makes; the warm-up.

| family | start | files | load | warm-up | total |
| --- | --- | --- | --- | --- | --- |
${families
  .map(
    (family) =>
      `| ${family} | ${part(family, (swap) => swap.start_seconds)} | ${part(family, (swap) => swap.check_seconds)} | ${part(family, (swap) => swap.load_seconds)} | ${part(family, (swap) => swap.warm_up_seconds)} | ${part(family, (swap) => swap.seconds)} |`,
  )
  .join("\n")}
`;
}
