/** Reading a model's `manifest.json`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Manifest, manifestSchema, SpeechError } from "@parlance/contracts";

export const manifestName = "manifest.json";

/** The checked manifest of a folder, or undefined when the folder has none. Throws a SpeechError when it is not valid. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, manifestName);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR"))
      return undefined;
    throw invalid(`${path} cannot be read`, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${path} is not valid JSON`, cause);
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) {
    for (const [role, file] of Object.entries(parsed.data.files)) {
      if (file.sha256 === undefined) throw invalid(`${path}: files.${role}.sha256: is missing`, undefined);
    }
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  throw invalid(
    `${path}: ${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "is not valid"}`,
    parsed.error,
  );
}

function invalid(message: string, cause: unknown): SpeechError {
  return new SpeechError("validation_failed", message, { cause, param: "MODEL_ID" });
}
