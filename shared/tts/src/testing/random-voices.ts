/**
 * The recipe's small models with random weights, as folders for a pipeline. What they say means nothing, and ends by chance: after some
 * five seconds, whatever the text. So their texts may take more frames here than those of a model that was trained.
 */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixturePath, type Kind } from "../qwen3-tts/testing/golden.ts";

/** A row that has not ended after as many frames is one in many thousands. */
const SPARE_FRAMES = 900;

/** Makes the folder. */
export async function writeRandomVoice(kind: Kind, folder: string): Promise<void> {
  await cp(fixturePath(kind), folder, { recursive: true });
  const path = join(folder, "manifest.json");
  const manifest = Object(JSON.parse(await readFile(path, "utf8")));
  const section = { ...manifest["qwen3-tts"], allowance: { spareFrames: SPARE_FRAMES } };
  await writeFile(path, JSON.stringify({ ...manifest, "qwen3-tts": section }));
}
