/** Packages of node_modules, copied with all that they need at run time and without what only developers and other platforms need. */
import { cpSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { closureOf, type KeptPackage } from "./kept-packages.ts";

/** Used by ONNX Runtime's installer alone. */
const installersOnly = new Set(["adm-zip", "global-agent"]);

export interface CopyPackagesOptions {
  /** Package names. */
  roots: readonly string[];
  /** The repository, installed. */
  root: string;
  /** Mirrors the repository. */
  to: string;
}

/** Returns what was copied. */
export function copyPackages({ roots, root, to }: CopyPackagesOptions): KeptPackage[] {
  const kept = closureOf({ roots, nodeModules: join(root, "node_modules"), without: installersOnly });
  for (const { folder } of kept) copyPackage(folder, join(to, relative(root, folder)));
  return kept;
}

/** Without sources in TypeScript (Node runs none that lie in node_modules), types, maps and, of native code, other platforms'. */
function copyPackage(from: string, to: string): void {
  const native = join(from, "bin/napi-v6");
  const own = join(native, process.platform, process.arch);
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      if (/\.(map|[cm]?tsx?)$/.test(path) || (path !== from && basename(path) === "node_modules")) return false;
      return !path.startsWith(`${native}/`) || own.startsWith(path) || path.startsWith(own);
    },
  });
}
