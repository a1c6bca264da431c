/**
 * `npm test [-- --projects=a,b]`: lint and types of the whole repository at once, then unit and integration tests of every package, as
 * cached targets, and one closing line with the totals. A test that fails is tried once more, and told. A run that executed no test fails.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = (path: string) => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));

// The suites run against every nats-server at hand: with Debian's mirror, the oldest that is supported and the newest.
const servers = fileURLToPath(new URL("../../.parlance/nats-server", import.meta.url));
if (existsSync("/usr/bin/apt-get") && (!existsSync(servers) || readdirSync(servers).length < 2)) {
  spawnSync(process.execPath, [fileURLToPath(new URL("../../nats/src/fetch-servers.ts", import.meta.url))], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

// One program for all packages reads what they share once.
for (const [path, ...options] of [
  ["@biomejs/biome/bin/biome", "check", "."],
  ["typescript/bin/tsc", "-p", "."],
  // What runs in a browser has other globals.
  ["typescript/bin/tsc", "-p", "services/gateway/src/console/page"],
] as const) {
  const { status } = spawnSync(process.execPath, [program(path), ...options], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

let passed = 0;
let failed = 0;
/** Of tests that failed once: a machine that is too busy, or a race to look for. */
const again: string[] = [];
const wished = process.argv.slice(2);
const whole = "@parlance/integration-tests";
// The whole pipeline has the machine for itself: it is tested as people use it.
const runs = wished.length > 0 ? [wished] : [[`--exclude=${whole}`], [`--projects=${whole}`]];
const codes: number[] = [];
for (const which of runs) codes.push(await runTests(which));
if (again.length > 0) process.stdout.write(`\n${again.join("\n")}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = codes.find((code) => code !== 0) ?? (passed === 0 ? 1 : 0);

/** Resolves with the exit code. */
async function runTests(which: readonly string[]): Promise<number> {
  const run = spawn(
    process.execPath,
    [program("nx/dist/bin/nx.js"), ...["run-many", "-t", "test", "--parallel=2", "--output-style=stream", ...which]],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        ...{ NX_DAEMON: "false", NX_TUI: "false", FORCE_COLOR: "0", NO_COLOR: "1", TEST_RETRY: "1" },
      },
    },
  );
  for await (const line of createInterface(run.stdout)) {
    process.stdout.write(`${line}\n`);
    count(line);
  }
  return run.exitCode ?? (await once(run, "close").then(([code]) => code ?? 1));
}

/** Vitest closes a project's run with `Tests  1 failed | 28 passed (29)`, which Nx prefixes with the project. */
function count(line: string): void {
  if (line.includes("passed at the second try: ")) again.push(line);
  const closing = line.match(/^(?:\S+:)?\s*Tests\s+(\d.*)$/)?.[1];
  if (closing === undefined) return;
  passed += Number(closing.match(/(\d+) passed/)?.[1] ?? 0);
  failed += Number(closing.match(/(\d+) failed/)?.[1] ?? 0);
}
