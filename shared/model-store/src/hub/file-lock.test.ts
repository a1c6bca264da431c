import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileLock, takeFileLock } from "./file-lock.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parlance-lock-"));
  path = join(folder, "deep", "one.lock");
});
afterEach(() => rm(folder, { recursive: true }));

const never = new AbortController().signal;
const take = (signal = never, onWaiting = () => {}, touchMs = 2_000): Promise<FileLock> =>
  takeFileLock({ path, signal, onWaiting, touchMs, pollMs: 10 });
const owner = (pid: number, host = hostname()) => JSON.stringify({ id: "another", pid, host });

describe("a file lock", () => {
  it("is one's at a time, and the next one's when it is released", async () => {
    const order: string[] = [];
    const first = await take();
    const waits = Promise.withResolvers<void>();
    const second = take(undefined, () => {
      order.push("waits");
      waits.resolve();
    }).then((lock) => {
      order.push("second");
      return lock;
    });
    await waits.promise;
    order.push("released");
    await first.release();
    await (await second).release();
    expect(order).toEqual(["waits", "released", "second"]);
    await expect(readFile(path)).rejects.toThrow("ENOENT");
  });

  it("of a process that is dead is taken over at once", async () => {
    await (await take()).release();
    const { pid } = spawnSync(process.execPath, ["--version"]);
    await writeFile(path, owner(pid));
    await (await take()).release();
  });

  it("of another machine is taken over when it was not touched for a while", async () => {
    await (await take()).release();
    await writeFile(path, owner(1, "elsewhere"));
    const waiting = new AbortController();
    const refused = take(waiting.signal);
    setTimeout(() => waiting.abort(new Error("enough")), 100);
    await expect(refused).rejects.toThrow("enough");
    await utimes(path, new Date(), new Date(Date.now() - 10_000));
    await (await take()).release();
  });

  it("that was never written to its end is nobody's after a while", async () => {
    await (await take()).release();
    await writeFile(path, "{");
    await (await take(never, () => {}, 50)).release();
  });

  it("tells its owner when somebody took it away, and is not removed by them", async () => {
    const lock = await take(never, () => {}, 50);
    await writeFile(path, owner(process.pid));
    const lost = new Promise((resolve) => lock.lost.addEventListener("abort", resolve));
    await lost;
    await lock.release();
    expect(await readFile(path, "utf8")).toBe(owner(process.pid));
  });

  it("is had by one of many who find it stale at the same moment", async () => {
    await (await take()).release();
    await writeFile(path, owner(1, "elsewhere"));
    await utimes(path, new Date(), new Date(Date.now() - 10_000));
    let holders = 0;
    let most = 0;
    const each = async () => {
      const lock = await take();
      holders += 1;
      most = Math.max(most, holders);
      await pause(5);
      holders -= 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, each));
    expect(most).toBe(1);
  });
});
