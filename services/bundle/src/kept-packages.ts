/** The packages that stay in node_modules beside bundled programs, with everything that they need at run time. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import { keptPackages } from "./program-options.ts";

export interface KeptPackage {
  name: string;
  version: string;
  /** As its package.json says it. */
  licence: string;
  /** Absolute. */
  folder: string;
}

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.union([z.string(), z.object({ type: z.string() }).transform(({ type }) => type)]).default("unknown"),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

export function readPackage(folder: string): KeptPackage & { needs: string[]; wishes: string[] } {
  const { name, version, license, dependencies, optionalDependencies } = manifestSchema.parse(
    JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
  );
  return {
    name,
    version,
    licence: license,
    folder,
    needs: Object.keys(dependencies),
    wishes: Object.keys(optionalDependencies),
  };
}

/** Every package that may stay: patterns such as `@audio/*` become the packages that are installed. */
export function keptRoots(nodeModules: string): string[] {
  return keptPackages.flatMap((pattern) =>
    pattern.endsWith("/*") ? globSync(pattern, { cwd: nodeModules }) : [pattern],
  );
}

export interface ClosureOptions {
  /** Package names; an optional one that is not installed is left out. */
  roots: readonly string[];
  /** node_modules of the workspace. */
  nodeModules: string;
  /** Packages that are used at installation only. */
  without?: ReadonlySet<string>;
}

/** Throws when a package that is needed is not installed. */
export function closureOf({ roots, nodeModules, without = new Set() }: ClosureOptions): KeptPackage[] {
  const found = new Map<string, KeptPackage>();
  const visit = (name: string, from: string, optional: boolean): void => {
    if (without.has(name)) return;
    const folder = locate(name, from, nodeModules);
    if (folder === undefined) {
      if (optional) return;
      throw new Error(`${name}, which ${basename(from)} needs, is not installed`);
    }
    if (found.has(folder)) return;
    const { needs, wishes, ...kept } = readPackage(folder);
    found.set(folder, kept);
    for (const need of needs) visit(need, folder, false);
    for (const wish of wishes) visit(wish, folder, true);
  };
  for (const root of roots) visit(root, nodeModules, true);
  return [...found.values()].sort((a, b) => a.folder.localeCompare(b.folder));
}

/** As Node resolves it: in the package's own node_modules, then in those above. */
function locate(name: string, from: string, nodeModules: string): string | undefined {
  for (let folder = from; folder.startsWith(nodeModules); folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  const top = join(nodeModules, name);
  return existsSync(join(top, "package.json")) ? top : undefined;
}
