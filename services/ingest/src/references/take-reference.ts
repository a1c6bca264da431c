/**
 * From a recording as it was sent to a reference that jobs can name: decoded, looked at, and kept by its checksum. The same samples are
 * stored once. Their time begins anew with each use, so that none goes while a job that names it may still be run.
 */
import { createHash } from "node:crypto";
import type { ListenerPool } from "@parlance/audio/live";
import type { FileStore } from "@parlance/bus";
import { REFERENCE_SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import type { IntakeItem } from "../intake/intake-batch.ts";
import { bytesOf } from "../items/publish-jobs.ts";
import { type DecodeReferenceOptions, decodeReference } from "./decode-reference.ts";
import { hearSpeech } from "./hear-speech.ts";
import { referenceFault } from "./reference-fault.ts";

export interface TakeReferenceOptions extends DecodeReferenceOptions {
  references: Pick<FileStore, "info" | "put">;
  listeners: Pick<ListenerPool, "open">;
  now: () => number;
}

export interface TakenReference {
  id: string;
  seconds: number;
}

/** Younger than this it is as good as new: half of the shortest time for which one is kept. */
const FRESH_MS = 15 * 60_000;

/** Throws what is wrong with the recording, naming its field; `storage_full`. */
export async function takeReference(
  audio: IntakeItem["audio"],
  options: TakeReferenceOptions,
): Promise<TakenReference> {
  const { references, listeners, name, now } = options;
  const samples = await decodeReference(audio, options);
  const bytes = bytesOf(samples);
  const taken = {
    id: createHash("sha256").update(bytes).digest("hex"),
    seconds: samples.length / REFERENCE_SAMPLE_RATE,
  };
  const there = await references.info(taken.id);
  // What is there was looked at before.
  if (there === undefined) await look(samples, listeners, name);
  if (there === undefined || there.createdAt + FRESH_MS < now()) await keep(references, taken.id, bytes);
  return taken;
}

async function look(samples: Int16Array, listeners: Pick<ListenerPool, "open">, name: string): Promise<void> {
  const fault = referenceFault(samples, await hearSpeech(listeners, samples, REFERENCE_SAMPLE_RATE));
  if (fault === undefined) return;
  throw new SpeechError(fault.code, `${name}: ${fault.message}`, { param: name });
}

/** Whoever reads the one that is there goes on reading it: its parts are swept up much later. */
async function keep(references: Pick<FileStore, "put">, id: string, bytes: Uint8Array): Promise<void> {
  await references.put(
    { id, contentType: "audio/pcm", filename: id, maxBytes: bytes.byteLength },
    (async function* () {
      yield bytes;
    })(),
  );
}
