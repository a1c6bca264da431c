import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

/** Fails where another one runs, as the real one would soon: both remove node_modules first. */
const npm = `#!/bin/sh
mkdir busy || exit 7
sleep 0.5
mkdir -p node_modules
echo once >> installs
rmdir busy
`;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-install-"));
  for (const folder of ["bin", "services/stack", ".parlance"]) await mkdir(join(root, folder), { recursive: true });
  await copyFile(fileURLToPath(new URL("../install.mjs", import.meta.url)), join(root, "services/stack/install.mjs"));
  await writeFile(join(root, "package-lock.json"), "{}");
  await writeFile(join(root, "bin/npm"), npm);
  await chmod(join(root, "bin/npm"), 0o755);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function install() {
  const child = spawn(process.execPath, [join(root, "services/stack/install.mjs")], {
    env: { PATH: `${join(root, "bin")}${delimiter}${process.env.PATH}` },
    stdio: "ignore",
  });
  const [status] = await once(child, "close");
  return Number(status);
}

it("several first starts at once install once", async () => {
  expect(await Promise.all([install(), install(), install()])).toEqual([0, 0, 0]);
  expect(await readFile(join(root, "installs"), "utf8")).toBe("once\n");
});

it("an install that was killed keeps nobody from another one", async () => {
  const gone = spawn(process.execPath, ["-e", ""]);
  await once(gone, "close");
  await writeFile(join(root, ".parlance/install.lock"), String(gone.pid));
  expect(await install()).toBe(0);
});
