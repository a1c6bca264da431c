/** Of which commit a library of ONNX Runtime was built: it says so among its strings. */
import { readFileSync } from "node:fs";

/** `unknown` when it does not say. */
export function commitOf(library: string): string {
  const bytes = readFileSync(library);
  const at = bytes.indexOf("git-commit-id=");
  return at < 0 ? "unknown" : (/^[0-9a-f]+/.exec(bytes.toString("latin1", at + 14, at + 60))?.[0] ?? "unknown");
}
