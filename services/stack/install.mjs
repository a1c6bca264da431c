/**
 * Installs the workspace when its lockfile is not the one last installed, so that `npm start`, `npm test` and the
 * other scripts work on a fresh clone. Plain JavaScript: it runs on whatever Node the machine has.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const lockfile = readFileSync(join(root, "package-lock.json"), "utf8");
const marker = join(root, "node_modules", ".parlance-lockfile");

if (!existsSync(marker) || readFileSync(marker, "utf8") !== lockfile) {
  process.stderr.write("parlance: installing packages (npm ci), once\n");
  const install = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  if (install.status !== 0) {
    process.stderr.write("parlance: npm ci failed: is the npm registry reachable from here?\n");
    process.exit(install.status ?? 1);
  }
  writeFileSync(marker, lockfile);
}
