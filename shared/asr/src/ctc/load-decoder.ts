/** Loads what a CTC model is decoded with: its lexicon and its language model, or the one that the operator gave. */
import { join } from "node:path";
import { SpeechError } from "@parlance/contracts";
import type { ArchitectureContext } from "../types.ts";
import {
  type DecoderTables,
  decoderTablesPath,
  readDecoderTables,
  writeDecoderTables,
} from "./language/decoder-cache.ts";
import { createLanguageModel, type LanguageModel, readArpa } from "./language/language-model.ts";
import { createLexiconBuilder, type Lexicon, parseLexicon } from "./language/lexicon.ts";
import { readTextFile } from "./language/text-lines.ts";
import { createVocabulary, type Vocabulary } from "./language/vocabulary.ts";
import type { CtcSection } from "./manifest-section.ts";
import { createRowDecoder, type RowDecoder } from "./row-decoder.ts";
import { createSpelling } from "./words/spelling.ts";

export async function loadDecoder(context: ArchitectureContext, section: CtcSection): Promise<RowDecoder> {
  const { options } = context;
  const began = performance.now();
  const { tables, kept } = await loadTables(context, section);
  const vocabulary = createVocabulary(tables.vocabulary);
  const languageModel = tables.languageModel && createLanguageModel(tables.languageModel);
  let { lexicon } = tables;
  let lexiconHead: "phones" | "characters" = "phones";
  // A model without phones is decoded with the words of its language model, letter by letter.
  if (lexicon === undefined && languageModel !== undefined && section.characters !== undefined) {
    lexicon = spelledLexicon(vocabulary, section.characters);
    lexiconHead = "characters";
  }
  options.log("decoder loaded", {
    words: tables.known,
    ngrams: languageModel?.counts ?? [],
    nodes: lexicon?.size ?? 0,
    kept,
    seconds: Math.round(performance.now() - began) / 1000,
  });
  const beamSize = options.beamSize ?? section.decoding.beamSize;
  return createRowDecoder({ section, vocabulary, lexicon, lexiconHead, languageModel, beamSize });
}

/** As they were kept from the last time, or parsed, and then kept where there is a folder for it. */
async function loadTables(
  context: ArchitectureContext,
  section: CtcSection,
): Promise<{ tables: DecoderTables; kept: boolean }> {
  const { manifest, options } = context;
  const { preparedFolder, languageModel, log } = options;
  // The operator's own language model has no checksum.
  const keep = preparedFolder !== undefined && languageModel === undefined;
  const path = keep ? decoderTablesPath(preparedFolder, manifest, section.phones ?? []) : undefined;
  const known = path && (await readDecoderTables(path));
  if (known) return { tables: known, kept: true };
  const tables = await parseTables(context, section);
  if (path !== undefined) {
    await writeDecoderTables(path, tables).catch((error) =>
      log("the decoder cannot be kept", { error: String(error) }),
    );
  }
  return { tables, kept: false };
}

async function parseTables(context: ArchitectureContext, section: CtcSection): Promise<DecoderTables> {
  const { manifest, folder, options } = context;
  const pathOf = (role: string) => {
    const file = manifest.files[role];
    return file === undefined ? undefined : join(folder, file.path);
  };
  const vocabulary = createVocabulary();
  const [lexiconText, languageModelText] = await Promise.all(
    [
      section.phones === undefined ? undefined : pathOf("lexicon"),
      options.languageModel ?? pathOf("languageModel"),
    ].map((path) => (path === undefined ? undefined : readTextFile(path))),
  );
  const lexicon =
    lexiconText === undefined || section.phones === undefined
      ? undefined
      : parseLexicon(lexiconText, section.phones, vocabulary);
  const known = vocabulary.size;
  const languageModel = languageModelText && readArpa(languageModelText, vocabulary);
  if (languageModel !== undefined && lexicon !== undefined && options.languageModel !== undefined) {
    checkCoverage(options.languageModel, createLanguageModel(languageModel), vocabulary, known);
  }
  return { vocabulary: vocabulary.state(), known, lexicon, languageModel };
}

/** A language model in another language or in capitals knows none of the lexicon's words: it would only do harm. */
function checkCoverage(path: string, model: LanguageModel, vocabulary: Vocabulary, words: number): void {
  const absent = model.unigram(-1);
  let found = 0;
  for (let word = 0; word < words && found < 10; word++) if (model.unigram(word) !== absent) found++;
  if (found >= Math.min(10, words)) return;
  throw new SpeechError(
    "validation_failed",
    `${path} has ${found} of the lexicon's ${words} words (such as ${JSON.stringify(vocabulary.text(0))}): it is for another model`,
    { param: "ASR_LANGUAGE_MODEL" },
  );
}

function spelledLexicon(vocabulary: Vocabulary, characters: readonly string[]): Lexicon {
  const spelling = createSpelling(characters);
  const builder = createLexiconBuilder();
  for (let word = 0; word < vocabulary.size; word++) {
    const labels = spelling.spell([vocabulary.text(word)]);
    if (labels !== undefined && labels.length > 0) builder.add(word, labels);
  }
  return builder.build();
}
