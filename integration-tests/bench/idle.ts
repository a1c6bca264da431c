/**
 * `npm run bench:idle`: memory of each process when nothing is to do, before the first job and after the engines were unloaded, with
 * the services in a process each and in one. Writes idle.md. The last line is JSON: one_process_pss_mb, everything_pss_mb,
 * gateway_pss_mb, total_pss_mb, gateway_mb, supervisor_mb, total_mb, engine_mb_after_unload and more.
 *
 * Readings are medians of five over five seconds, in MB of 10^6 bytes; of both moments the greater counts. VmRSS counts the pages of
 * the Node binary in every process that has touched them, though they are in memory once; PSS counts such a page by its share;
 * RssAnon is what a process has for itself. The pipelines run on a copy of Node, so that no page is shared with this program.
 * What is checked: no engine is left after unloading, no service has more than 60 MB for itself, and the aims in PSS are met.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type IdleMemory, idleMemory, type Reading, readingOf } from "./idle/idle-memory.ts";
import { npmBeside } from "./idle/npm-beside.ts";
import { idlePage } from "./idle/page.ts";
import { round } from "./measure/statistics.ts";

const LIMIT_OWN_MB = 60;
const services = ["gateway", "ingest", "results", "transcribe-worker", "tts-worker"] as const;

const folder = mkdtempSync(join(tmpdir(), "parlance-idle-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const node = join(folder, "node");
copyFileSync(process.execPath, node);

const listens = await listenOnly();
const many = await idleMemory("many", node);
const one = await idleMemory("one", node);
const npm = await npmBeside();

const worst = ({ fresh, unloaded }: IdleMemory, name: string, what: keyof Reading) =>
  round(Math.max(fresh[name]?.[what] ?? 0, unloaded[name]?.[what] ?? 0), 1);
const sum = (what: keyof Reading) =>
  round(
    services.reduce((total, name) => total + worst(many, name, what), 0),
    1,
  );
const figures = {
  one_process_pss_mb: worst(one, "gateway", "proportional"),
  everything_pss_mb: worst(one, "everything", "proportional"),
  gateway_pss_mb: worst(many, "gateway", "proportional"),
  total_pss_mb: sum("proportional"),
  everything_many_pss_mb: worst(many, "everything", "proportional"),
  launcher_pss_mb: worst(one, "launcher", "proportional"),
  npm_pss_mb: round(npm.proportional, 1),
  one_process_mb: worst(one, "gateway", "resident"),
  one_process_own_mb: worst(one, "gateway", "own"),
  gateway_mb: worst(many, "gateway", "resident"),
  supervisor_mb: worst(many, "transcribe-worker", "resident"),
  tts_supervisor_mb: worst(many, "tts-worker", "resident"),
  total_mb: sum("resident"),
  engine_mb_after_unload: round(many.enginesAfter + one.enginesAfter, 1),
  gateway_own_mb: worst(many, "gateway", "own"),
  supervisor_own_mb: worst(many, "transcribe-worker", "own"),
  tts_supervisor_own_mb: worst(many, "tts-worker", "own"),
  total_own_mb: sum("own"),
  engine_mb_loaded: round(many.engineLoaded, 1),
  voice_engine_mb_loaded: round(many.voiceEngineLoaded, 1),
  node_that_listens_mb: round(listens.resident, 1),
};
writeFileSync(
  fileURLToPath(new URL("./idle.md", import.meta.url)),
  idlePage({ services, many, one, listens, npm, limitOwn: LIMIT_OWN_MB }),
);
const holds =
  services.every((name) => worst(many, name, "own") < LIMIT_OWN_MB) &&
  figures.engine_mb_after_unload === 0 &&
  figures.one_process_pss_mb <= 90 &&
  figures.everything_pss_mb <= 150 &&
  figures.gateway_pss_mb <= 40;
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exitCode = holds ? 0 : 1;

/** An HTTP server without a route, started as the services are, beside a second one. */
async function listenOnly(): Promise<Reading> {
  const program = 'require("node:http").createServer().listen(0, "127.0.0.1")';
  const children = Array.from({ length: 2 }, () =>
    spawn(node, ["--max-semi-space-size=4", "--v8-pool-size=1", "-e", program], { stdio: "ignore" }),
  );
  await pause(3_000);
  const reading = readingOf(children[0]?.pid ?? 0);
  for (const child of children) child.kill("SIGKILL");
  if (reading === undefined) throw new Error("the program that listens did not start");
  return reading;
}
