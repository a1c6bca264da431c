import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { diskBytes } from "./process-memory.ts";

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
