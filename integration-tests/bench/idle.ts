/**
 * `npm run bench:idle`: resident memory of each process when nothing is to do, before the first job and after the engine
 * was unloaded. Writes idle.md. The last line is JSON: gateway_mb, supervisor_mb, total_mb, engine_mb_after_unload.
 *
 * Memory is VmRSS, median of five readings over five seconds, in MB of 10^6 bytes. It counts pages that processes share (the
 * Node binary) once for each, so the total is an upper bound.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { demoClips } from "../src/clips.ts";
import { engineProcesses, residentMegabytes } from "../src/engine-processes.ts";
import { startPipeline } from "../src/pipeline.ts";
import { machine } from "./machine.ts";
import { quantile, round } from "./statistics.ts";

const LIMIT_MB = 60;
const IDLE_TIMEOUT = 3;
const names = ["gateway", "ingest", "results", "transcribe-worker"] as const;

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
// The decoder of ingest goes after 30 s of its own.
await pause((IDLE_TIMEOUT + 40) * 1_000);
const unloaded = await readings();
say("after unloading", unloaded);
const engineAfter = engineMegabytes();
await pipeline.stop();

const total = (each: Record<string, number>) => names.reduce((sum, name) => sum + (each[name] ?? 0), 0);
const worst = (name: string) => Math.max(fresh[name] ?? 0, unloaded[name] ?? 0);
const figures = {
  gateway_mb: round(worst("gateway"), 1),
  supervisor_mb: round(worst("transcribe-worker"), 1),
  ingest_mb: round(worst("ingest"), 1),
  results_mb: round(worst("results"), 1),
  total_mb: round(Math.max(total(fresh), total(unloaded)), 1),
  nats_server_mb: round(worst("nats-server"), 1),
  engine_mb_loaded: round(loaded, 1),
  engine_mb_after_unload: round(engineAfter, 1),
};

const rows = [...names, "nats-server", "stack"].map(
  (name) => `| ${name} | ${(fresh[name] ?? 0).toFixed(1)} | ${(unloaded[name] ?? 0).toFixed(1)} |`,
);
writeFileSync(
  fileURLToPath(new URL("./idle.md", import.meta.url)),
  `# Memory when nothing is to do

Written by \`npm run bench:idle\`. ${machine()}. VmRSS in MB, median of five readings; pages shared between processes are counted in each.

| process | before the first job | after 5 jobs and unloading |
| --- | --- | --- |
${rows.join("\n")}
| engine | none | ${engineAfter === 0 ? "none" : engineAfter.toFixed(1)} |

The engine with \`parlance-en\` loaded: ${loaded.toFixed(1)} MB. It is a process of its own and is killed after \`IDLE_TIMEOUT\`.
The four services together, at most: ${figures.total_mb} MB. Aim: each under ${LIMIT_MB} MB.
`,
);
const holds = names.every((name) => worst(name) < LIMIT_MB) && engineAfter === 0;
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exit(holds ? 0 : 1);

async function readings(): Promise<Record<string, number>> {
  const series: Record<string, number[]> = {};
  for (let reading = 0; reading < 5; reading += 1) {
    const { pid, pids } = pipeline.processes();
    for (const [name, each] of Object.entries({ ...pids, stack: pid })) {
      const megabytes = residentMegabytes(each);
      if (megabytes === undefined) continue;
      series[name] = [...(series[name] ?? []), megabytes];
    }
    await pause(1_000);
  }
  return Object.fromEntries(Object.entries(series).map(([name, values]) => [name, quantile(values, 0.5)]));
}

function engineMegabytes(): number {
  return engineProcesses(pipeline.processes().pid).reduce((sum, { pid }) => sum + (residentMegabytes(pid) ?? 0), 0);
}

function say(when: string, each: Record<string, number>): void {
  for (const [name, megabytes] of Object.entries(each))
    process.stdout.write(`${when}: ${name} ${megabytes.toFixed(1)} MB\n`);
}
