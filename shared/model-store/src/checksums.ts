/** Whether files are what a manifest says they are. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Manifest, SpeechError } from "@parlance/contracts";

type ManifestFile = Manifest["files"][string];

/** Verified files by path; a file whose size or time has changed is read again. */
const verified = new Map<string, { bytes: number; modified: number; sha256: string }>();

/** Throws a SpeechError that names the file when it is missing, of another size or of another content. */
export async function checkFile(model: string, path: string, expected: ManifestFile): Promise<void> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined || !status.isFile()) throw wrong(model, `${path} is missing`);
  if (status.size !== expected.bytes) {
    throw wrong(model, `${path} has ${status.size} bytes, its manifest says ${expected.bytes}`);
  }
  const known = verified.get(path);
  if (known?.bytes === status.size && known.modified === status.mtimeMs && known.sha256 === expected.sha256) return;
  const sha256 = await hashFile(path);
  if (sha256 !== expected.sha256) {
    throw wrong(model, `${path} is not the file of its manifest: sha256 ${sha256} instead of ${expected.sha256}`);
  }
  verified.set(path, { bytes: status.size, modified: status.mtimeMs, sha256 });
}

/** SHA-256 in hexadecimal, read in chunks: weights may be larger than a Buffer. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

function wrong(model: string, what: string): SpeechError {
  return new SpeechError("validation_failed", `model ${model}: ${what}`, { param: "MODEL_ID" });
}
