/**
 * From a model's name to its checked files on disk.
 *
 * A model is a folder with a `manifest.json`, or one that a layout recognises by its files. A name is looked for under the
 * caller's model root, then among the models that ship with Parlance (`models/` of the repository); a path (`/…`, `./…`) is
 * the folder itself. Every file that a manifest names is checked by size and SHA-256 before anything opens it: a wrong
 * file is refused, never guessed at. What is not on disk can be downloaded from a hub (hub/fetch-model.ts), which writes
 * such a folder, whole or not at all.
 * State: a memory of verified checksums, by path, size and modification time.
 */
import { basename, isAbsolute, join, resolve } from "node:path";
import { catalogue, findInCatalogue } from "@parlance/catalogue";
import { type Manifest, SpeechError } from "@parlance/contracts";
import { checkFile } from "./checksums.ts";
import { viewFolder } from "./folder-view.ts";
import { manifestOfFolder } from "./layout-manifest.ts";
import type { LayoutRecogniser } from "./layouts/types.ts";
import { manifestName, readManifest } from "./manifest-file.ts";
import { shippedModels } from "./shipped-models.ts";

export interface ResolveModelOptions {
  /** A name, a hub-style id (`owner/name`), or a folder. */
  modelId: string;
  /** Folder of models that is searched first. */
  modelRoot?: string | undefined;
  /** The setting that says which that is, to be named in errors. Default: ASR_MODEL_ROOT. */
  rootSetting?: string | undefined;
  /** How folders without a manifest are recognised. Default: none is. */
  layouts?: readonly LayoutRecogniser[] | undefined;
  log: (message: string, fields?: Record<string, unknown>) => void;
}

export interface ResolvedModel {
  folder: string;
  manifest: Manifest;
  /** Absolute paths by role; every one exists and has the manifest's size and checksum. */
  files: Record<string, string>;
}

/** Throws a SpeechError `validation_failed` when there is no such model or one of its files is not what it should be. */
export async function resolveModel(options: ResolveModelOptions): Promise<ResolvedModel> {
  const found = await findModel(options);
  if (found !== undefined) return found;
  const { modelId, modelRoot } = options;
  const candidates = candidateFolders(modelId, modelRoot);
  throw new SpeechError("validation_failed", notFound(modelId, candidates, options.layouts ?? []), {
    param: "MODEL_ID",
  });
}

/** Undefined when nothing on this machine has the name. Throws a SpeechError when something has, and is not what it should be. */
export async function findModel(options: ResolveModelOptions): Promise<ResolvedModel | undefined> {
  const { modelId, modelRoot, layouts = [], log } = options;
  for (const folder of candidateFolders(modelId, modelRoot)) {
    const manifest =
      (await readManifest(folder)) ?? (await recogniseFolder(folder, layouts, isFolder(modelId) ? undefined : modelId));
    if (manifest === undefined) continue;
    const files: Record<string, string> = {};
    for (const [role, file] of Object.entries(manifest.files)) {
      const path = join(folder, file.path);
      await checkFile(manifest.name, path, file);
      files[role] = path;
    }
    log("model found", { model: manifest.name, version: manifest.version, folder });
    return { folder, manifest, files };
  }
  return undefined;
}

async function recogniseFolder(
  folder: string,
  layouts: readonly LayoutRecogniser[],
  name = basename(folder),
): Promise<Manifest | undefined> {
  const view = layouts.length === 0 ? undefined : await viewFolder(folder);
  return view && (await manifestOfFolder(folder, view, layouts, name));
}

const namePattern = /^[A-Za-z0-9_][\w.-]*$/;

/** Whether it names a folder of this machine instead of a model. */
export function isFolder(modelId: string): boolean {
  return isAbsolute(modelId) || /^\.{1,2}([/\\]|$)/.test(modelId);
}

/** `owner/name`, as hubs call models. */
export function isHubId(modelId: string): boolean {
  const parts = modelId.split("/");
  return parts.length === 2 && parts.every((part) => namePattern.test(part));
}

function candidateFolders(modelId: string, modelRoot: string | undefined): string[] {
  if (isFolder(modelId)) return [resolve(modelId)];
  if (!isHubId(modelId) && !namePattern.test(modelId)) {
    throw new SpeechError(
      "validation_failed",
      `${JSON.stringify(modelId)} is not a model: use a name, a hub id (owner/name), or a folder that begins with / or ./`,
      { param: "MODEL_ID" },
    );
  }
  const name = modelId.split("/").at(-1) ?? modelId;
  const downloaded = findInCatalogue(modelId)?.id ?? modelId;
  const spellings = [...new Set([modelId, downloaded, name, name.toLowerCase()])];
  const roots = [...(modelRoot === undefined ? [] : [resolve(modelRoot)]), shippedModels];
  return roots.flatMap((root) => spellings.map((spelling) => join(root, spelling)));
}

function notFound(modelId: string, candidates: readonly string[], layouts: readonly LayoutRecogniser[]): string {
  const known = layouts.length === 0 ? "" : ", or the graphs of a layout that is known without one";
  if (isHubId(modelId)) {
    return (
      `model ${modelId} is not on this machine: put its exported graphs and a ${manifestName} that names them ` +
      `(role, path, bytes, sha256)${known} into ${candidates[0] ?? modelId}`
    );
  }
  const downloaded =
    layouts.length === 0 ? "" : `; of a hub: ${catalogue.map(({ id }) => id).join(", ")}, or owner/name`;
  return `model ${modelId}: no ${manifestName}${known} in ${candidates.join(", ")}${downloaded}`;
}
