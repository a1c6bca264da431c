/**
 * `npm test`: lint and types of the whole repository at once, then unit and integration tests of every package, as cached targets over
 * the dependency graph, and one closing line with the totals. A run that executed no test fails.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
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
] as const) {
  const { status } = spawnSync(process.execPath, [program(path), ...options], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const run = spawn(
  process.execPath,
  [
    program("nx/dist/bin/nx.js"),
    ...["run-many", "-t", "test", "--parallel=2", "--output-style=stream"],
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NX_DAEMON: "false", NX_TUI: "false", FORCE_COLOR: "0", NO_COLOR: "1" },
  },
);

let passed = 0;
let failed = 0;
let rest = "";
run.stdout.setEncoding("utf8");
run.stdout.on("data", (text: string) => {
  process.stdout.write(text);
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) count(line);
});

/** Vitest closes a project's run with `Tests  1 failed | 28 passed (29)`, which Nx prefixes with the project. */
function count(line: string): void {
  const closing = line.match(/^(?:\S+:)?\s*Tests\s+(\d.*)$/)?.[1];
  if (closing === undefined) return;
  passed += Number(closing.match(/(\d+) passed/)?.[1] ?? 0);
  failed += Number(closing.match(/(\d+) failed/)?.[1] ?? 0);
}

run.on("close", (code) => {
  count(rest);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = code === 0 && passed === 0 ? 1 : (code ?? 1);
});
