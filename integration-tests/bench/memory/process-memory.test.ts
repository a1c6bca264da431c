import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { diskBytes, megabytesOf } from "./process-memory.ts";

it("a memory limit is read as Go reads it", () => {
  expect(["256MiB", "1GiB", "268435456", "2048B", "off", "1GB"].map(megabytesOf)).toEqual([
    268.435456,
    1_073.741824,
    268.435456,
    0.002048,
    undefined,
    undefined,
  ]);
});

it("what a folder takes of the disk is what its files do, however deep", async () => {
  const folder = await mkdtemp(join(tmpdir(), "parlance-disk-"));
  const empty = await diskBytes(folder);
  await mkdir(join(folder, "a", "b"), { recursive: true });
  await writeFile(join(folder, "a", "b", "file"), Buffer.alloc(1_000_000, 1));
  const grown = (await diskBytes(folder)) - empty;
  await rm(folder, { recursive: true });
  expect(grown).toBeGreaterThanOrEqual(1_000_000);
  expect(await diskBytes(folder)).toBe(0);
});
