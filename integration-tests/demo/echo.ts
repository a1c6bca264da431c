/**
 * `npm run demo:echo`: ten sentences are spoken by the tts-worker, and what was spoken is transcribed by the transcribe-worker: two
 * model families that take turns on one device. Prints text and transcript with the word error rate of each, and the swaps.
 * Exits 0 only if the word error rate of all together is at most 10 % and no process is left behind. The last line is JSON: wer, swaps.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { BatchStatus, GpuStatus, Transcript } from "@parlance/contracts";
import { startPipeline } from "../src/pipeline.ts";
import { isAlive, processTree } from "../src/process-table.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient } from "../src/rest-client.ts";
import { countErrors, wordErrorRate } from "../src/word-error-rate.ts";
import { createProgressBar } from "./progress-bar.ts";

const WORST_WER = 10;
const LIMIT_MS = 300_000;

const sentences = [
  "The train to the city leaves at ten in the morning.",
  "Please turn on the lights in the kitchen.",
  "My brother bought a newspaper at the station.",
  "The weather was cold, and the road was dangerous.",
  "Can you wait for me in front of the hotel?",
  "The children played in the garden all day.",
  "I would like a cup of coffee and some bread.",
  "We walked to the library on Wednesday afternoon.",
  "The doctor said that she was very busy today.",
  "They forgot the tickets and went back home.",
];

const say = (text: string) => process.stdout.write(`${text}\n`);

say("starting the pipeline");
const pipeline = await startPipeline();
const pids = new Set<number>();
const transcripts: string[] = [];
let devices: GpuStatus["devices"] = [];
try {
  const client = createRestClient(() => pipeline.gatewayUrl);
  remember();
  const texts = sentences.map((text, index) => ({
    operation: "custom_voice" as const,
    text,
    custom_id: String(index),
    response_format: "wav" as const,
  }));
  const spoken = await run("spoken", texts);

  const recordings = await Promise.all(
    spoken.items.map(async ({ url, custom_id }) => ({
      operation: "transcribe" as const,
      ref_audio: await client.upload(await client.bytes(url ?? ""), `${custom_id}.wav`, "audio/wav"),
      custom_id: custom_id ?? "",
    })),
  );
  const heard = await run("transcribed", recordings);
  for (const { url } of heard.items) transcripts.push((await client.json<Transcript>(url ?? "")).text);
  devices = (await client.json<GpuStatus>("/api/v1/gpu")).devices;
  remember();

  async function run(what: string, items: Parameters<typeof client.submit>[1]): Promise<BatchStatus> {
    const { batch_id } = await client.submit("echo", items, randomUUID());
    const bar = createProgressBar(items.length);
    const status = await untilFinished(client, batch_id, LIMIT_MS, ({ completed, failed }) => {
      bar.show(completed + failed, what);
      remember();
    });
    bar.end();
    const problems = status.items.flatMap(({ custom_id, error }) => (error === null ? [] : [`${custom_id}: ${error}`]));
    if (problems.length > 0) throw new Error(`not ${what}: ${problems.join("; ")}`);
    return status;
  }
} finally {
  await pipeline.stop();
}

const counts = sentences.map((text, index) => {
  const transcript = transcripts[index] ?? "";
  const count = countErrors(text, transcript);
  say(`\n  spoken  ${text}\n  heard   ${transcript}\n  wer     ${wordErrorRate([count]).toFixed(1)} %`);
  return count;
});
for (const { device, swaps } of devices) {
  say(`\nswaps on ${device}: ${swaps.count}`);
  for (const { family, model, seconds, start_seconds, check_seconds, load_seconds, warm_up_seconds } of swaps.recent) {
    say(
      `  ${family} ${model}: ${seconds.toFixed(2)} s (start ${start_seconds.toFixed(2)}, files ${check_seconds.toFixed(2)}, ` +
        `load ${load_seconds.toFixed(2)}, warm-up ${warm_up_seconds.toFixed(2)})`,
    );
  }
}
const left = await leftBehind();
if (left.length > 0) say(`left behind: ${left.join(", ")}`);

const wer = Number(wordErrorRate(counts).toFixed(2));
const swaps = devices.reduce((sum, device) => sum + device.swaps.count, 0);
say(`\n${JSON.stringify({ wer, swaps })}`);
// Two families have been loaded, on one device: fewer swaps would mean that one of them was not.
process.exit(wer <= WORST_WER && left.length === 0 && swaps >= 2 ? 0 : 1);

function remember(): void {
  for (const pid of processTree(pipeline.processes().pid)) pids.add(pid);
}

/** A watchdog needs a moment to see its ward go. */
async function leftBehind(): Promise<number[]> {
  for (const deadline = Date.now() + 5_000; ; await pause(50)) {
    const alive = [...pids].filter(isAlive);
    if (alive.length === 0 || Date.now() > deadline) return alive;
  }
}
