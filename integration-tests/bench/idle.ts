/**
 * `npm run bench:idle`: memory of each process when nothing is to do, before the first job and after the engine was unloaded.
 * Writes idle.md. The last line is JSON: gateway_mb, supervisor_mb, total_mb, engine_mb_after_unload and more.
 *
 * Readings are medians of five over five seconds, in MB of 10^6 bytes. VmRSS counts the pages of the Node binary in every process
 * that has touched them, though they are in memory once; RssAnon is what a process has for itself. The claim that is checked: no
 * engine is left after unloading, and no service has more than 60 MB for itself. A Node program that only listens stands beside them.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { demoClips } from "../src/clips.ts";
import { startPipeline } from "../src/pipeline.ts";
import { engineProcesses, type Memory, memoryOf } from "../src/process-table.ts";
import { machine } from "./measure/machine.ts";
import { quantile, round } from "./measure/statistics.ts";

const LIMIT_MB = 60;
/** Longer than LEASE_TTL, as by default: an engine that each renewal of its lease kept alive would show. */
const IDLE_TIMEOUT = 12;
const names = ["gateway", "ingest", "results", "transcribe-worker", "tts-worker"] as const;

type Readings = Record<string, Memory>;

const baseline = await listenOnly();
const pipeline = await startPipeline({ IDLE_TIMEOUT: String(IDLE_TIMEOUT) });
await pause(10_000);
const fresh = await readings();
say("fresh", fresh);

const [clip] = await demoClips();
if (clip === undefined) throw new Error("there are no clips");
for (let request = 0; request < 5; request += 1) {
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
  const response = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  if (!response.ok) throw new Error(`a transcription failed: ${await response.text()}`);
}
const loaded = engineMegabytes();
for (let request = 0; request < 5; request += 1) {
  const response = await fetch(`${pipeline.gatewayUrl}/v1/audio/speech`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "parlance-voice", voice: "slt", input: "Good morning.", response_format: "wav" }),
  });
  if (!response.ok) throw new Error(`a text was not spoken: ${await response.text()}`);
  await response.arrayBuffer();
}
const voiceLoaded = engineMegabytes();
// The decoder of ingest goes after 30 s of its own.
await pause((IDLE_TIMEOUT + 40) * 1_000);
const unloaded = await readings();
say("after unloading", unloaded);
const engineAfter = engineMegabytes();
await pipeline.stop();

const worst = (name: string, what: keyof Memory) => Math.max(fresh[name]?.[what] ?? 0, unloaded[name]?.[what] ?? 0);
const sum = (what: keyof Memory) => names.reduce((total, name) => total + worst(name, what), 0);
const figures = {
  gateway_mb: round(worst("gateway", "resident"), 1),
  supervisor_mb: round(worst("transcribe-worker", "resident"), 1),
  tts_supervisor_mb: round(worst("tts-worker", "resident"), 1),
  total_mb: round(sum("resident"), 1),
  engine_mb_after_unload: round(engineAfter, 1),
  gateway_own_mb: round(worst("gateway", "own"), 1),
  supervisor_own_mb: round(worst("transcribe-worker", "own"), 1),
  tts_supervisor_own_mb: round(worst("tts-worker", "own"), 1),
  total_own_mb: round(sum("own"), 1),
  engine_mb_loaded: round(loaded, 1),
  voice_engine_mb_loaded: round(voiceLoaded, 1),
  node_that_listens_mb: round(baseline.resident, 1),
};

const cell = (memory: Memory | undefined) =>
  memory === undefined ? "none | none" : `${memory.resident.toFixed(1)} | ${memory.own.toFixed(1)}`;
const rows = [...names, "nats-server", "stack"].map(
  (name) => `| ${name} | ${cell(fresh[name])} | ${cell(unloaded[name])} |`,
);
writeFileSync(
  fileURLToPath(new URL("./idle.md", import.meta.url)),
  `# Memory when nothing is to do

Written by \`npm run bench:idle\`. ${machine()}. MB of 10^6 bytes, median of five readings. "Resident" (VmRSS) counts the pages of
the Node binary in every process; "own" (RssAnon) is what a process has for itself.

| process | resident, before the first job | own | resident, after 5 jobs of each family and unloading | own |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
| a Node program that only listens | ${cell(baseline)} | | |

The engine with \`parlance-en\` loaded: ${loaded.toFixed(1)} MB resident, the one with \`parlance-voice\`: ${voiceLoaded.toFixed(1)} MB. Each is a process of its own, killed after \`IDLE_TIMEOUT\`; then it has
${engineAfter.toFixed(1)} MB. The aim of ${LIMIT_MB} MB resident for each service ${names.every((name) => worst(name, "resident") < LIMIT_MB) ? "is met" : `is not met: a Node program that does nothing but listen has ${baseline.resident.toFixed(1)} MB`}; of memory of
its own each has less than that.
`,
);
const holds = names.every((name) => worst(name, "own") < LIMIT_MB) && engineAfter === 0;
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exit(holds ? 0 : 1);

/** An HTTP server without a route, started as the services are. */
async function listenOnly(): Promise<Memory> {
  const program = 'require("node:http").createServer().listen(0, "127.0.0.1")';
  const child = spawn(process.execPath, ["--max-semi-space-size=1", "--v8-pool-size=1", "-e", program], {
    stdio: "ignore",
  });
  await pause(3_000);
  const memory = memoryOf(child.pid ?? 0);
  child.kill("SIGKILL");
  if (memory === undefined) throw new Error("the program that listens did not start");
  return memory;
}

async function readings(): Promise<Readings> {
  const series: Record<string, Memory[]> = {};
  for (let reading = 0; reading < 5; reading += 1) {
    const { pid, pids } = pipeline.processes();
    for (const [name, each] of Object.entries({ ...pids, stack: pid })) {
      const memory = memoryOf(each);
      if (memory !== undefined) series[name] = [...(series[name] ?? []), memory];
    }
    await pause(1_000);
  }
  const median = (values: Memory[], what: keyof Memory) =>
    quantile(
      values.map((memory) => memory[what]),
      0.5,
    );
  return Object.fromEntries(
    Object.entries(series).map(([name, values]) => [
      name,
      { resident: median(values, "resident"), own: median(values, "own") },
    ]),
  );
}

function engineMegabytes(): number {
  return engineProcesses(pipeline).reduce((total, { pid }) => total + (memoryOf(pid)?.resident ?? 0), 0);
}

function say(when: string, each: Readings): void {
  for (const [name, { resident, own }] of Object.entries(each)) {
    process.stdout.write(`${when}: ${name} ${resident.toFixed(1)} MB, ${own.toFixed(1)} MB of its own\n`);
  }
}
