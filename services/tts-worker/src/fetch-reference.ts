/**
 * The recording that a job imitates (contracts, references.ts), fetched before the job may be run. The newest ones are kept: a text's
 * sentences all have the same.
 */
import type { FileStore, KeyBucket } from "@parlance/bus";
import { SpeechError, type StoredVoice } from "@parlance/contracts";
import type { FetchPayload } from "@parlance/worker";

export interface FetchReferenceOptions {
  references: Pick<FileStore, "read">;
  voices: Pick<KeyBucket<StoredVoice>, "get">;
}

/** Of a minute each: 46 MB at most. */
const MOST_KEPT = 16;

export function createFetchReference({ references, voices }: FetchReferenceOptions): FetchPayload {
  /** By their checksums, the last used one last. */
  const kept = new Map<string, Promise<Uint8Array>>();

  async function read(id: string): Promise<Uint8Array> {
    const found = await references.read(id);
    if (found === undefined) throw new SpeechError("reference_gone");
    const chunks: Uint8Array[] = [];
    for await (const chunk of found.content) chunks.push(chunk);
    return new Uint8Array(Buffer.concat(chunks));
  }

  function recording(id: string): Promise<Uint8Array> {
    const known = kept.get(id);
    kept.delete(id);
    const reading = known ?? read(id);
    kept.set(id, reading);
    reading.catch(() => kept.delete(id));
    for (const [oldest] of kept) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return reading;
  }

  /** A voice of the same name that was made since is another one. */
  async function requireVoice(voice: string, reference: string): Promise<void> {
    if ((await voices.get(voice))?.value.reference === reference) return;
    throw new SpeechError("voice_deleted", `voice: ${voice} was deleted before this was spoken`, { param: "voice" });
  }

  return ({ address, headers: { reference, voice } }) => {
    if (address.operation !== "voice_clone") return undefined;
    if (reference === undefined) {
      return Promise.reject(new SpeechError("job_invalid", "a clone's job names no recording to imitate"));
    }
    const looked = voice === undefined ? Promise.resolve() : requireVoice(voice, reference);
    return looked.then(() => recording(reference));
  };
}
