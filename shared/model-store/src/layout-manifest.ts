/** The manifest of a folder that has none: what the first layout that recognises it says. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@parlance/contracts";
import type { FolderView, LayoutRecogniser, RecognisedModel } from "./layouts/types.ts";

export async function recognise(
  view: FolderView,
  layouts: readonly LayoutRecogniser[],
): Promise<RecognisedModel | undefined> {
  for (const layout of layouts) {
    const model = await layout(view);
    if (model !== undefined) return model;
  }
  return undefined;
}

export interface ManifestFacts {
  name: string;
  version: string;
  license: string;
  source: string;
}

/** @param files size and, where it is known, checksum of every path that a role has */
export function manifestOf(
  { files: paths, attachments: _attachments, replaceable: _replaceable, sections, ...model }: RecognisedModel,
  facts: ManifestFacts,
  files: ReadonlyMap<string, { bytes: number; sha256?: string | undefined }>,
): Manifest {
  const entries = Object.entries(paths).flatMap(([role, path]) => {
    const file = files.get(path);
    return file === undefined ? [] : [[role, { path, ...file }] as const];
  });
  return { ...sections, ...facts, ...model, files: Object.fromEntries(entries) };
}

/** Undefined when no layout knows the folder. */
export async function manifestOfFolder(
  folder: string,
  view: FolderView,
  layouts: readonly LayoutRecogniser[],
  name: string,
): Promise<Manifest | undefined> {
  const model = await recognise(view, layouts);
  if (model === undefined) return undefined;
  const sizes = new Map<string, { bytes: number }>();
  for (const path of Object.values(model.files)) sizes.set(path, { bytes: (await stat(join(folder, path))).size });
  return manifestOf(model, { name, version: "unversioned", license: "as its source says", source: folder }, sizes);
}

/** External data of a graph, by the names that exporters give it. */
export function externalDataOf(graph: string, files: ReadonlySet<string>): string[] {
  return [...files].filter(
    (path) => path.startsWith(graph) && /^(_data(_\d+)?|\.data)$/.test(path.slice(graph.length)),
  );
}
