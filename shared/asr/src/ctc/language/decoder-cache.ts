/**
 * What was parsed of a lexicon and a language model, kept as a file: reading it back takes a twentieth of the time that parsing
 * takes, and whenever an engine takes turns with another family's, it loads anew.
 *
 * A file is named by the checksums of what it was made of, so that it is right or not there; one that cannot be read is not there.
 * Whoever can write the folder could as well have written the model.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Manifest } from "@parlance/contracts";
import type { LanguageModelTables } from "./language-model.ts";
import type { Lexicon } from "./lexicon.ts";
import type { VocabularyState } from "./vocabulary.ts";

export interface DecoderTables {
  vocabulary: VocabularyState;
  /** Words before those that only the language model has. */
  known: number;
  lexicon: Lexicon | undefined;
  languageModel: LanguageModelTables | undefined;
}

/** To be counted up when the tables change their meaning. */
const FORMAT = 1;
const DIGEST_BYTES = 32;

/** Undefined when a file that the tables are made of has no checksum to name them by. */
export function decoderTablesPath(
  folder: string,
  { files }: Pick<Manifest, "files">,
  labels: readonly string[],
): string | undefined {
  const sources = [files.lexicon, files.languageModel];
  if (sources.some((file) => file !== undefined && file.sha256 === undefined)) return undefined;
  const key = JSON.stringify([FORMAT, process.versions.v8, sources.map((file) => file?.sha256), labels]);
  return join(folder, `${createHash("sha256").update(key).digest("hex")}.tables`);
}

/** Undefined when there are none, or when the file is not whole. */
export async function readDecoderTables(path: string): Promise<DecoderTables | undefined> {
  const file = await readFile(path).catch(() => undefined);
  if (file === undefined || file.length < DIGEST_BYTES) return undefined;
  const content = file.subarray(DIGEST_BYTES);
  if (!digest(content).equals(file.subarray(0, DIGEST_BYTES))) return undefined;
  return deserialize(content) as DecoderTables;
}

/** Rejects when the folder cannot be written. */
export async function writeDecoderTables(path: string, tables: DecoderTables): Promise<void> {
  const content = serialize(tables);
  const partial = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(partial, Buffer.concat([digest(content), content]));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function digest(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
