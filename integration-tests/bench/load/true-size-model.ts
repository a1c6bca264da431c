/** Models of true size with random weights, written once below .parlance for the benches that need no sense in what is said. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { NumberKind } from "../../check/shape.ts";
import { writeModel } from "../../check/write-model.ts";

export interface TrueSizeModel {
  /** The name of a folder of check/shapes. */
  shape: string;
  formats: readonly NumberKind[];
  /** Put into the manifest's section of the architecture. */
  section?: object;
}

/** Answers the model's folder. A folder that is there is whole. */
export async function trueSizeModel({ shape, formats, section = {} }: TrueSizeModel): Promise<string> {
  const wishes = createHash("sha256")
    .update(JSON.stringify([formats, section]))
    .digest("hex")
    .slice(0, 8);
  const folder = fileURLToPath(new URL(`../../../.parlance/true-size/${shape}-${wishes}`, import.meta.url));
  if (existsSync(folder)) return folder;
  const from = fileURLToPath(new URL(`../../check/shapes/${shape}`, import.meta.url));
  const unfinished = `${folder}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await writeModel({ shape: from, folder: unfinished, formats, section });
  await rename(unfinished, folder);
  return folder;
}
