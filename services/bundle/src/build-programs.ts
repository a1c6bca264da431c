/** The programs that people start in a bundle, each as few files: what they load lies where it lies in the repository. */
import { join } from "node:path";
import { build } from "esbuild";
import { programOptions } from "./program-options.ts";

export interface Program {
  /** Below the repository. */
  entry: string;
  /** Below the bundle, without ending; as deep as the entry, so that relative paths mean the same. */
  out: string;
}

/** What a bench tries in the repository alone, by native code: nothing that is bundled imports it when it runs. */
const benchesOnly = ["*/ort-c-api.ts"];

/** Builds into `bundle`, and returns the folders of packages that became part of the programs. */
export async function buildPrograms(root: string, bundle: string, programs: readonly Program[]): Promise<Set<string>> {
  const { metafile } = await build({
    ...programOptions,
    absWorkingDir: root,
    entryPoints: programs.map(({ entry, out }) => ({ in: entry, out })),
    outdir: bundle,
    // Splitting would put shared code at the top, from where relative paths mean something else.
    splitting: false,
    sourcemap: false,
    external: [...programOptions.external, ...benchesOnly],
    metafile: true,
  });
  return packagesOf(root, Object.keys(metafile.inputs));
}

/** The package folders that files lie in, which are named from `folder` on. What a plugin has written is no file: `plugin:name`. */
export function packagesOf(folder: string, files: readonly string[]): Set<string> {
  const paths = files.filter((file) => !/^[\w-]+:/.test(file)).map((file) => join(folder, file));
  return new Set(paths.flatMap((path) => path.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/)?.[0] ?? []));
}
