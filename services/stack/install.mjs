/**
 * Installs the workspace when its lockfile is not the one last installed, so that `npm start`, `npm test` and the
 * other scripts work on a fresh clone. Plain JavaScript: it runs on whatever Node the machine has.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const lockfile = readFileSync(join(root, "package-lock.json"), "utf8");
const marker = join(root, "node_modules", ".parlance-lockfile");
const logFile = join(root, ".parlance", "install.log");

const lockPath = join(root, ".parlance", "install.lock");
const INSTALL_LIMIT_MS = 30 * 60_000;
const POLL_MS = 250;

const isInstalled = () => existsSync(marker) && readFileSync(marker, "utf8") === lockfile;

if (!isInstalled()) {
  mkdirSync(join(root, ".parlance"), { recursive: true });
  let told = false;
  while (!takeLock()) {
    if (!told) process.stderr.write("parlance: waiting for another start that installs the packages\n");
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  process.once("exit", () => rmSync(lockPath, { force: true }));
}

if (!isInstalled()) {
  process.stderr.write("parlance: installing packages once (npm ci, some 150 MB; a minute or two)\n");
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

/** Two `npm ci` at once would each remove what the other has put in place. A lock whose owner is gone is nobody's. */
function takeLock() {
  try {
    writeFileSync(lockPath, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  try {
    const isOld = Date.now() - statSync(lockPath).mtimeMs > INSTALL_LIMIT_MS;
    if (isOld || isGone(Number(readFileSync(lockPath, "utf8")))) rmSync(lockPath, { force: true });
  } catch {
    // Its owner has just given it back.
  }
  return false;
}

function isGone(pid) {
  // It has made the file and not written into it yet.
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}
