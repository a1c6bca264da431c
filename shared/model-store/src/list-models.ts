/** The models of this machine: what a name may be resolved to without a download. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Manifest } from "@parlance/contracts";
import { viewFolder } from "./folder-view.ts";
import { manifestOfFolder } from "./layout-manifest.ts";
import type { LayoutRecogniser } from "./layouts/types.ts";
import { readManifest } from "./manifest-file.ts";
import { shippedModels } from "./shipped-models.ts";

export interface LocalModel {
  /** By which it is resolved. */
  id: string;
  /** As its manifest calls it. */
  name: string;
  folder: string;
  family: Manifest["family"];
  architecture: string;
  /** Of the files that its manifest names. */
  bytes: number;
  /** False when a file is missing or has another size; checksums are for loading. */
  complete: boolean;
}

/** Folders and `owner/name` folders under the caller's root, then the models that ship with Parlance. */
export async function listModels(
  modelRoot: string | undefined,
  layouts: readonly LayoutRecogniser[] = [],
): Promise<LocalModel[]> {
  const found = new Map<string, LocalModel>();
  for (const root of [...(modelRoot === undefined ? [] : [resolve(modelRoot)]), shippedModels]) {
    for (const name of await foldersIn(root)) {
      const own = await describe(root, name, layouts);
      const ids = own === undefined ? (await foldersIn(join(root, name))).map((inner) => `${name}/${inner}`) : [];
      const below = await Promise.all(ids.map((id) => describe(root, id, layouts)));
      for (const model of [own, ...below]) if (model !== undefined && !found.has(model.id)) found.set(model.id, model);
    }
  }
  return [...found.values()];
}

/** One that is named by its folder. Undefined where there is none, or it cannot be read. */
export async function describeModel(
  folder: string,
  layouts: readonly LayoutRecogniser[] = [],
): Promise<LocalModel | undefined> {
  const found = await describe(dirname(resolve(folder)), basename(folder), layouts);
  return found && { ...found, id: folder };
}

async function describe(
  root: string,
  id: string,
  layouts: readonly LayoutRecogniser[],
): Promise<LocalModel | undefined> {
  const folder = join(root, id);
  // What cannot be read is not offered; whoever asks for it by name is told why.
  const manifest = await readModel(folder, id, layouts).catch(() => undefined);
  if (manifest === undefined) return undefined;
  const { name, family, architecture } = manifest;
  const files = Object.values(manifest.files);
  const sizes = await Promise.all(files.map(({ path }) => stat(join(folder, path)).catch(() => undefined)));
  const complete = files.every(({ bytes }, index) => sizes[index]?.size === bytes);
  return { id, name, folder, family, architecture, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), complete };
}

async function readModel(folder: string, id: string, layouts: readonly LayoutRecogniser[]) {
  const manifest = await readManifest(folder);
  const view = manifest === undefined && layouts.length > 0 ? await viewFolder(folder) : undefined;
  return manifest ?? (view && (await manifestOfFolder(folder, view, layouts, id)));
}

async function foldersIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}
