/** All voices that are stored, for whoever lists them or looks which recordings they are. */
import type { StoredVoice } from "@parlance/contracts";
import type { KeyBucket } from "../keys/index.ts";

/** The oldest first. */
export async function listVoices(voices: Pick<KeyBucket<StoredVoice>, "keys" | "get">): Promise<StoredVoice[]> {
  const entries = await Promise.all((await voices.keys("*")).map((id) => voices.get(id)));
  return entries
    .flatMap((entry) => (entry === undefined ? [] : [entry.value]))
    .sort((a, b) => a.createdAt - b.createdAt);
}
