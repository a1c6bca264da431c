/** The tokenizer of a folder that has only its vocabulary and its merges: the rest is the same for all that Qwen has made. */
import { readFile } from "node:fs/promises";
import { SpeechError } from "@parlance/contracts";
import * as z from "zod";

/** Behind the vocabulary, in order. Those of the sound behind them are never in a text. */
const textSpecials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const split =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const vocabularySchema = z.record(z.string(), z.number().int().nonnegative());

export interface TokenizerParts {
  vocabulary: Readonly<Record<string, number>>;
  merges: readonly (readonly string[])[];
  /** Control tokens, which lie behind the vocabulary in this order where that has them not. */
  specials: readonly string[];
}

/** As a tokenizer.json says it. Throws a SpeechError when the vocabulary cannot be read. */
export async function readTokenizerFiles(vocabularyPath: string, mergesPath: string): Promise<object> {
  const vocabulary = await readVocabulary(vocabularyPath);
  const lines = (await readFile(mergesPath, "utf8")).split(/\r?\n/);
  // A line tells the version, in front.
  const merges = lines.flatMap((line, at) => {
    const pair = line.split(" ");
    return pair.length === 2 && !(at === 0 && line.startsWith("#version")) ? [pair] : [];
  });
  return describeTokenizer({ vocabulary, merges, specials: textSpecials });
}

/** A tokenizer.json of Qwen's: pairs of bytes, cut before as all of its tokenizers cut. */
export function describeTokenizer({ vocabulary, merges, specials }: TokenizerParts) {
  const next = Object.values(vocabulary).reduce((most, id) => Math.max(most, id + 1), 0);
  return {
    ...{ version: "1.0", truncation: null, padding: null, post_processor: null },
    added_tokens: specials.map((content, at) => ({
      ...{ id: vocabulary[content] ?? next + at, content, special: true },
      ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
    })),
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: split }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      ...{ type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
      vocab: vocabulary,
      merges,
    },
  };
}

async function readVocabulary(path: string): Promise<Record<string, number>> {
  try {
    return vocabularySchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new SpeechError("validation_failed", `${path} is not a vocabulary`, { cause, param: "TTS_MODEL_ID" });
  }
}
