import { createHash } from "node:crypto";
import { mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const expected = { path: "f", bytes: 7, sha256: sha256("weights") };

/** As in another process: nothing is remembered. */
async function freshProcess() {
  vi.resetModules();
  return await import("./checksums.ts");
}

describe("what another process has verified", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-checksums-"));
    path = join(folder, "f");
    await writeFile(path, "weights");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function verifiedByParent() {
    const parent = await freshProcess();
    await parent.checkFile("m", path, expected);
    return parent.verifiedFiles();
  }

  it("is not read again: a file that looks untouched is taken as what it was", async () => {
    const files = await verifiedByParent();
    const child = await freshProcess();
    child.trustVerified(files.map((file) => ({ ...file, sha256: sha256("what nobody wrote") })));
    await child.checkFile("m", path, { ...expected, sha256: sha256("what nobody wrote") });
  });

  it("is refused when the file was written again, even with its old modification time", async () => {
    const files = await verifiedByParent();
    await writeFile(path, "wEights");
    await utimes(path, 1, 1);
    const child = await freshProcess();
    child.trustVerified(files);
    await expect(child.checkFile("m", path, expected)).rejects.toThrow(/sha256/);
  });

  it("is refused when another file took its place", async () => {
    const files = await verifiedByParent();
    await writeFile(join(folder, "g"), "wEights");
    await rename(join(folder, "g"), path);
    const child = await freshProcess();
    child.trustVerified(files);
    await expect(child.checkFile("m", path, expected)).rejects.toThrow(/sha256/);
  });

  it("says nothing of another checksum", async () => {
    const files = await verifiedByParent();
    const child = await freshProcess();
    child.trustVerified(files);
    await expect(child.checkFile("m", path, { ...expected, sha256: sha256("other") })).rejects.toThrow(/sha256/);
  });
});
