import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "./folder-lock.ts";

const fixture = fileURLToPath(new URL("../fixtures/lock.ts", import.meta.url));
const options = { name: "STATE_DIR", setting: "STATE_DIR", program: "npm start" };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parlance-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Another process that holds the lock; it lives until it is killed. */
async function holder() {
  const child = spawn(process.execPath, [fixture, folder], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    pid: child.pid ?? 0,
    async end(signal: NodeJS.Signals) {
      const closed = once(child, "close");
      child.kill(signal);
      await closed;
    },
  };
}

describe("a folder's lock", () => {
  it("names its owner in one line", async () => {
    const { pid, end } = await holder();
    await expect(lockFolder(folder, options)).rejects.toThrow(
      new RegExp(
        `^STATE_DIR ${folder} is in use by npm start \\(pid ${pid}\\) since \\d{4}-\\d\\d-\\d\\d [\\d:]{8} UTC: stop it, or set STATE_DIR to another folder\\.$`,
      ),
    );
    await end("SIGKILL");
  });

  it("ends with an owner that is killed, at once, though its process id lives on in the file", async () => {
    const { end } = await holder();
    await end("SIGKILL");
    const left: unknown = JSON.parse(await readFile(join(folder, "owner.json"), "utf8"));
    // As if the id had been given to another process since: this one.
    await writeFile(join(folder, "owner.json"), JSON.stringify({ ...Object(left), pid: process.pid }));
    (await lockFolder(folder, options)).release();
  });

  it("is had once within one process too, and again after its release, which leaves an empty file", async () => {
    const first = await lockFolder(folder, options);
    await expect(lockFolder(folder, options)).rejects.toThrow(`(pid ${process.pid})`);
    first.release();
    (await lockFolder(folder, options)).release();
    expect(await readdir(folder)).toEqual(["owner.lock"]);
  });

  it("is had by one of many that come at once", async () => {
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder, options)));
    expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const each of taken) if (each.status === "fulfilled") each.value.release();
  });
});

describe("a folder that another machine shares without its locks", () => {
  const elsewhere = {
    id: "x",
    program: "npm start",
    pid: 4711,
    host: "elsewhere",
    boot: "another",
    since: "2026-01-31T12:00:00.000Z",
  };
  const file = () => join(folder, "owner.json");

  it("is in use for as long as its owner there touches its file, and the line names the host", async () => {
    await writeFile(file(), JSON.stringify(elsewhere));
    const timer = setInterval(() => utimes(file(), new Date(), new Date()), 20);
    await expect(lockFolder(folder, { ...options, touchMs: 100 })).rejects.toThrow(
      `STATE_DIR ${folder} is in use by npm start (pid 4711 on elsewhere) since 2026-01-31 12:00:00 UTC: stop it,`,
    );
    clearInterval(timer);
    (await lockFolder(folder, { ...options, touchMs: 20 })).release();
  });

  it("is taken at once where it was the same kernel, or the same machine before it was started anew", async () => {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
    const here = [
      { host: hostname(), boot: "before" },
      ...(boot === "" ? [] : [{ host: "container", boot: boot.trim() }]),
    ];
    for (const each of here) {
      await writeFile(file(), JSON.stringify({ ...elsewhere, ...each }));
      // An hour's watch would be noticed.
      (await lockFolder(folder, { ...options, touchMs: 3_600_000 })).release();
    }
  });

  it("tells an owner that slept meanwhile that the folder is another's now", async () => {
    const lock = await lockFolder(folder, { ...options, touchMs: 20 });
    await writeFile(file(), JSON.stringify(elsewhere));
    await expect.poll(() => lock.lost.aborted).toBe(true);
    lock.release();
    expect(JSON.parse(await readFile(file(), "utf8"))).toEqual(elsewhere);
  });
});

describe("a folder that cannot be written", () => {
  it("is told in one sentence", async () => {
    await writeFile(join(folder, "file"), "");
    const inFile = join(folder, "file", "state");
    await expect(lockFolder(inFile, options)).rejects.toThrow(`STATE_DIR ${inFile} cannot be written (ENOTDIR).`);
  });
});
