/** The voice that ships, as three models of one worker, each of which does one thing: what swaps between them is as real as the voice. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SpokenOperation } from "../src/rest-client.ts";
import { writeShippedVoice } from "../src/shipped-voice.ts";

export const spokenOperations: readonly SpokenOperation[] = ["custom_voice", "voice_design", "voice_clone"];

/** Their folders, which are the caller's to remove with what they lie in. */
export async function makeThreeVoices(): Promise<{ root: string; folders: string[] }> {
  const root = await mkdtemp(join(tmpdir(), "parlance-voices-"));
  const folders: string[] = [];
  for (const operation of spokenOperations) {
    const folder = join(root, operation);
    await writeShippedVoice(folder, operation);
    folders.push(folder);
  }
  return { root, folders };
}
