/** Whether files are what a manifest says they are. */
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { type Manifest, SpeechError } from "@parlance/contracts";

type ManifestFile = Manifest["files"][string];

/** A file whose content was read and hashed, and what it looked like then. */
export interface VerifiedFile {
  path: string;
  sha256: string;
  /** Device, inode, size, and the times of its last writing and of its last change of any kind, to the nanosecond. */
  identity: string;
}

/** By path. A file that has another identity by now is read again. */
const verified = new Map<string, VerifiedFile>();

/**
 * Throws a SpeechError that names the file when it is missing, of another size or of another content. A file that was verified
 * and has not been touched since is not read again: its change time cannot be set back, as its modification time can.
 */
export async function checkFile(model: string, path: string, expected: ManifestFile): Promise<void> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  if (status === undefined || !status.isFile()) throw wrong(model, `${path} is missing`);
  if (Number(status.size) !== expected.bytes) {
    throw wrong(model, `${path} has ${status.size} bytes, its manifest says ${expected.bytes}`);
  }
  // The folder of another program's layout: nobody said what its files hold.
  if (expected.sha256 === undefined) return;
  const identity = [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(":");
  const known = verified.get(path);
  if (known?.identity === identity && known.sha256 === expected.sha256) return;
  const sha256 = await hashFile(path);
  if (sha256 !== expected.sha256) {
    throw wrong(model, `${path} is not the file of its manifest: sha256 ${sha256} instead of ${expected.sha256}`);
  }
  verified.set(path, { path, sha256, identity });
}

/** What this process has verified: for a child that opens the same files and takes its word. */
export function verifiedFiles(): VerifiedFile[] {
  return [...verified.values()];
}

/** Takes the word of the process that started this one. Files that have changed since are read all the same. */
export function trustVerified(files: readonly VerifiedFile[]): void {
  for (const file of files) verified.set(file.path, file);
}

/** Every file is read again the next time. */
export function forgetVerified(): void {
  verified.clear();
}

const BLOCK = 1 << 20;

/**
 * SHA-256 in hexadecimal. Weights may be larger than a Buffer, and a stream would make a new one for each of their blocks: two are
 * enough, one that is hashed and one that is read meanwhile.
 */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path);
  try {
    let [block, other] = [Buffer.allocUnsafeSlow(BLOCK), Buffer.allocUnsafeSlow(BLOCK)];
    let { bytesRead } = await file.read(block, 0, BLOCK);
    while (bytesRead > 0) {
      const reading = file.read(other, 0, BLOCK);
      hash.update(block.subarray(0, bytesRead));
      ({ bytesRead } = await reading);
      [block, other] = [other, block];
    }
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

function wrong(model: string, what: string): SpeechError {
  return new SpeechError("validation_failed", `model ${model}: ${what}`, { param: "MODEL_ID" });
}
