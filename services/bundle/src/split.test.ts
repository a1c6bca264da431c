import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseSize, splitFile, writeChecksums } from "./split.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parlance-split-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("parts joined in order are the same bytes, and none is larger than was asked for", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), fc.integer({ min: 1, max: 700 }), (bytes, size) => {
      const archive = join(folder, "a.tar.gz");
      writeFileSync(archive, bytes);
      const parts = splitFile(archive, size).map((path) => readFileSync(path));
      expect(parts.every((part) => part.length > 0 && part.length <= size)).toBe(true);
      expect(Buffer.concat(parts)).toEqual(Buffer.from(bytes));
    }),
    { numRuns: 30 },
  );
});

it("checksums name the archive and each part as sha256sum reads them", async () => {
  const archive = join(folder, "a.tar.gz");
  writeFileSync(archive, "hello");
  const sums = readFileSync(await writeChecksums(archive, splitFile(archive, 3)), "utf8");
  expect(sums).toMatch(
    /^[0-9a-f]{64} {2}a\.tar\.gz\n[0-9a-f]{64} {2}a\.tar\.gz\.001\n[0-9a-f]{64} {2}a\.tar\.gz\.002\n$/,
  );
  expect(sums).toContain("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a.tar.gz\n");
});

it("a size is a number with or without a unit; anything else is refused by name", () => {
  expect([parseSize("28M"), parseSize("700k"), parseSize("1.5G"), parseSize("12")]).toEqual([28e6, 7e5, 15e8, 12]);
  for (const bad of ["", "0", "28MB", "-1M", "M", "1e3"]) expect(() => parseSize(bad)).toThrow(/--parts/);
});
