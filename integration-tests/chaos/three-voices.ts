/** The voice that ships, as three models of one worker, each of which does one thing: what swaps between them is as real as the voice. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embeddedModels } from "@parlance/catalogue";
import { type Manifest, manifestSchema, ttsSectionSchema } from "@parlance/contracts";
import type { SpokenOperation } from "../src/rest-client.ts";

const shipped = fileURLToPath(new URL(`../../models/${embeddedModels.tts}`, import.meta.url));

export const spokenOperations: readonly SpokenOperation[] = ["custom_voice", "voice_design", "voice_clone"];

/** Their folders, which are the caller's to remove with what they lie in. */
export async function makeThreeVoices(): Promise<{ root: string; folders: string[] }> {
  const root = await mkdtemp(join(tmpdir(), "parlance-voices-"));
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(shipped, "manifest.json"), "utf8")));
  const folders = spokenOperations.map((operation) => join(root, operation));
  for (const [index, operation] of spokenOperations.entries()) {
    const folder = folders[index] ?? root;
    await mkdir(folder);
    for (const name of await readdir(shipped)) await copyFile(join(shipped, name), join(folder, name));
    const tts = {
      ...ttsSectionSchema.parse(manifest.tts),
      operations: [operation],
      instructions: operation === "voice_design",
    };
    const own: Manifest = { ...manifest, name: `${manifest.name}-${operation}`, tts };
    await writeFile(join(folder, "manifest.json"), JSON.stringify(own));
  }
  return { root, folders };
}
