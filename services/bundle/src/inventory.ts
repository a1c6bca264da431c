/** `bundle.json`: what a bundle holds, to be checked where it was unpacked. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

export interface BundledFile {
  /** Below the bundle. */
  path: string;
  bytes: number;
  sha256: string;
}

export interface Inventory {
  /** Oldest C library, as `2.34`. */
  glibc: string;
  versions: Readonly<Record<string, string>>;
  files: readonly BundledFile[];
}

export const inventoryName = "bundle.json";

export function bundledFiles(folder: string): BundledFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({
      path: relative(folder, file),
      bytes: statSync(file).size,
      sha256: createHash("sha256").update(readFileSync(file)).digest("hex"),
    }));
}

export function writeInventory(folder: string, inventory: Inventory): void {
  writeFileSync(join(folder, inventoryName), `${JSON.stringify(inventory, null, 1)}\n`);
}
