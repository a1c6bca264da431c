/**
 * From a model's name to its checked files on disk.
 *
 * A model is a folder with a `manifest.json`. A name is looked for under the caller's model root, then among the models
 * that ship with Parlance (`models/` of the repository); a path (`/…`, `./…`) is the folder itself. Every file that the
 * manifest names is checked by size and SHA-256 before anything opens it: a wrong file is refused, never guessed at.
 * Nothing is downloaded: a hub id that is not on disk gets an error that says which files belong where.
 * State: a memory of verified checksums, by path, size and modification time.
 */
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Manifest, SpeechError } from "@parlance/contracts";
import { checkFile } from "./checksums.ts";
import { manifestName, readManifest } from "./manifest-file.ts";

export interface ResolveModelOptions {
  /** A name, a hub-style id (`owner/name`), or a folder. */
  modelId: string;
  /** Folder of models that is searched first. */
  modelRoot?: string | undefined;
  log: (message: string, fields?: Record<string, unknown>) => void;
}

export interface ResolvedModel {
  folder: string;
  manifest: Manifest;
  /** Absolute paths by role; every one exists and has the manifest's checksum. */
  files: Record<string, string>;
}

/** The models that ship with the repository. */
export const shippedModels = fileURLToPath(new URL("../../../models", import.meta.url));

/** Throws a SpeechError `validation_failed` when there is no such model or one of its files is not what it should be. */
export async function resolveModel(options: ResolveModelOptions): Promise<ResolvedModel> {
  const { modelId, log } = options;
  const candidates = candidateFolders(modelId, options.modelRoot);
  for (const folder of candidates) {
    const manifest = await readManifest(folder);
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
  throw new SpeechError("validation_failed", notFound(modelId, candidates), { param: "MODEL_ID" });
}

const namePattern = /^[A-Za-z0-9_][\w.-]*$/;

function candidateFolders(modelId: string, modelRoot: string | undefined): string[] {
  if (isAbsolute(modelId) || /^\.{1,2}([/\\]|$)/.test(modelId)) return [resolve(modelId)];
  const parts = modelId.split("/");
  if (parts.length > 2 || !parts.every((part) => namePattern.test(part))) {
    throw new SpeechError(
      "validation_failed",
      `${JSON.stringify(modelId)} is not a model: use a name, a hub id (owner/name), or a folder that begins with / or ./`,
      { param: "MODEL_ID" },
    );
  }
  const name = parts.at(-1) ?? modelId;
  const spellings = [...new Set([modelId, name, name.toLowerCase()])];
  const roots = [...(modelRoot === undefined ? [] : [resolve(modelRoot)]), shippedModels];
  return roots.flatMap((root) => spellings.map((spelling) => join(root, spelling)));
}

function notFound(modelId: string, candidates: readonly string[]): string {
  if (modelId.includes("/") && candidates.length > 1) {
    return (
      `model ${modelId} is not on this machine and is not downloaded from a hub: put its exported graphs and a ` +
      `${manifestName} that names them (role, path, bytes, sha256) into ${candidates[0] ?? modelId}`
    );
  }
  return `model ${modelId}: no ${manifestName} in ${candidates.join(", ")}`;
}
