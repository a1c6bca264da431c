import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "@parlance/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decoderTablesPath, readDecoderTables, writeDecoderTables } from "./decoder-cache.ts";
import { createLanguageModel, readArpa } from "./language-model.ts";
import { parseLexicon } from "./lexicon.ts";
import { createVocabulary } from "./vocabulary.ts";

const arpa = `\\data\\
ngram 1=4
ngram 2=2
\\1-grams:
-1 <s> -0.5
-1 </s>
-0.7 cat -0.2
-0.9 zebra
\\2-grams:
-0.3 <s> cat
-0.4 cat zebra
\\end\\
`;
const bytes = (text: string) => new TextEncoder().encode(text);

function tables() {
  const vocabulary = createVocabulary();
  const lexicon = parseLexicon(
    bytes("cat k ae t\ndog d ao g\n"),
    ["", "|", "k", "ae", "t", "d", "ao", "g"],
    vocabulary,
  );
  const known = vocabulary.size;
  const languageModel = readArpa(bytes(arpa), vocabulary);
  return { vocabulary: vocabulary.state(), known, lexicon, languageModel };
}

describe("a decoder's tables", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-tables-"));
    path = join(folder, "below", "a.tables");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("are read back as they were, and say the same", async () => {
    const made = tables();
    await writeDecoderTables(path, made);
    expect(await readdir(join(folder, "below"))).toEqual(["a.tables"]);
    const read = await readDecoderTables(path);
    expect(read).toEqual(made);
    if (read?.languageModel === undefined) throw new Error("there is no language model");
    const [before, after] = [createLanguageModel(made.languageModel), createLanguageModel(read.languageModel)];
    const vocabulary = createVocabulary(read.vocabulary);
    const zebra = vocabulary.findText("zebra");
    expect(vocabulary.text(zebra)).toBe("zebra");
    expect(vocabulary.findText("horse")).toBe(-1);
    const word = bytes("horse");
    expect(vocabulary.add(word, 0, word.length)).toBe(read.vocabulary.size);
    expect(after.score(after.start, zebra)).toBe(before.score(before.start, zebra));
  });

  it("that are not whole, or were changed, are not there", async () => {
    expect(await readDecoderTables(path)).toBeUndefined();
    await writeDecoderTables(path, tables());
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, -1));
    expect(await readDecoderTables(path)).toBeUndefined();
    whole[40] = (whole[40] ?? 0) ^ 1;
    await writeFile(path, whole);
    expect(await readDecoderTables(path)).toBeUndefined();
  });

  it("have another name for another lexicon, language model or set of labels, and none without checksums", () => {
    const manifest = (lexicon: string | undefined, languageModel: string): Pick<Manifest, "files"> => ({
      files: {
        lexicon: { path: "l", bytes: 1, sha256: lexicon },
        languageModel: { path: "m", bytes: 1, sha256: languageModel },
      },
    });
    const names = [
      decoderTablesPath(folder, manifest("a", "b"), ["x"]),
      decoderTablesPath(folder, manifest("c", "b"), ["x"]),
      decoderTablesPath(folder, manifest("a", "d"), ["x"]),
      decoderTablesPath(folder, manifest("a", "b"), ["y"]),
    ];
    expect(new Set(names).size).toBe(4);
    expect(decoderTablesPath(folder, manifest(undefined, "b"), ["x"])).toBeUndefined();
  });
});
