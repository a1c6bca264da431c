/**
 * Installs the workspace when its lockfile is not the one last installed, so that `npm start`, `npm test` and the
 * other scripts work on a fresh clone. Plain JavaScript: it runs on whatever Node the machine has.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const lockfile = readFileSync(join(root, "package-lock.json"), "utf8");
const marker = join(root, "node_modules", ".parlance-lockfile");
const logFile = join(root, ".parlance", "install.log");

if (!existsSync(marker) || readFileSync(marker, "utf8") !== lockfile) {
  process.stderr.write("parlance: installing packages once (npm ci, some 150 MB; a minute or two)\n");
  mkdirSync(join(root, ".parlance"), { recursive: true });
  const log = openSync(logFile, "w");
  const install = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: root,
    stdio: ["ignore", log, log],
    shell: process.platform === "win32",
    env: {
      ...process.env,
      ONNXRUNTIME_NODE_INSTALL: "skip",
      // A stalled connection is tried again soon; npm's own patience is five minutes each, and packages run npm in turn.
      npm_config_fetch_timeout: "30000",
      npm_config_fetch_retries: "5",
    },
  });
  if (install.status !== 0) {
    const reason =
      readFileSync(logFile, "utf8").match(/npm error (code \w+|.*ENOTFOUND.*)/)?.[1] ?? `exit ${install.status}`;
    process.stderr.write(
      `parlance: npm ci failed (${reason}): is the npm registry reachable from here? .parlance/install.log has the rest\n`,
    );
    process.exit(1);
  }
  writeFileSync(marker, lockfile);
}
