/** The voice that ships, as a model that does another operation: it says what it is to say in its own voice, and real speech is heard. */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embeddedModels } from "@parlance/catalogue";
import { type Manifest, manifestSchema, ttsSectionSchema } from "@parlance/contracts";
import type { SpokenOperation } from "./rest-client.ts";

const shipped = fileURLToPath(new URL(`../../models/${embeddedModels.tts}`, import.meta.url));

/** Makes the folder. */
export async function writeShippedVoice(folder: string, operation: SpokenOperation): Promise<void> {
  await mkdir(folder);
  for (const name of await readdir(shipped)) await copyFile(join(shipped, name), join(folder, name));
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(shipped, "manifest.json"), "utf8")));
  const tts = {
    ...ttsSectionSchema.parse(manifest.tts),
    operations: [operation],
    instructions: operation === "voice_design",
  };
  const own: Manifest = { ...manifest, name: `${manifest.name}-${operation}`, tts };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(own));
}
