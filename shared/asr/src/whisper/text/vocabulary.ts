/**
 * Whisper's tokens: words (byte-level BPE, ids below the end of text), control tokens and timestamps, from a tokenizer.json.
 *
 * A token is a string of bytes and may hold a part of a character, so text is put together from bytes here; the library
 * only encodes. What a caller gives never becomes a control token. Languages by their tokens are languages.ts, and what a
 * decoder is given before it speaks is prompt.ts.
 */
import { readFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { SpeechError } from "@parlance/contracts";
import * as z from "zod";

export interface ControlTokens {
  endOfText: number;
  startOfTranscript: number;
  translate: number;
  transcribe: number;
  startOfLm: number;
  startOfPrevious: number;
  noSpeech: number;
  noTimestamps: number;
  /** `<|0.00|>`; one token for every 20 ms follows, up to the last of the vocabulary. */
  firstTimestamp: number;
}

export interface Vocabulary {
  /** How many tokens the model knows. */
  size: number;
  /** The model has language and task tokens in its prompts. */
  multilingual: boolean;
  control: ControlTokens;
  /** Whisper's code ("en", "yue") to token. */
  languages: ReadonlyMap<string, number>;
  /** Tokens of a text; control tokens written in it are cut out first. */
  encode(text: string): number[];
  /** The text of the words among the tokens; bytes that are no UTF-8 become U+FFFD. */
  decode(tokens: readonly number[]): string;
  /** The same of a text that goes on: a character whose end is to come is left out. */
  decodeSoFar(tokens: readonly number[]): string;
  /** The same of a text in parts: joined, they are its text. A character whose bytes are parted is of the part where it ends. */
  decodeParts(parts: readonly (readonly number[])[]): string[];
  /** Of a word. */
  bytesOf(token: number): Uint8Array;
  /** The same, but control tokens and timestamps stand in it as they are written. */
  decodeAll(tokens: readonly number[]): string;
}

const fileSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number().int(), content: z.string() })),
  // A check in one go: as a schema of its own each of the 50,000 words would take longer than reading the file.
  model: z.looseObject({ vocab: z.custom<Record<string, number>>(isVocab) }),
});

function isVocab(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every(Number.isInteger);
}

/** Smaller vocabularies are the English-only models'. */
const SMALLEST_MULTILINGUAL = 51_865;

/** Throws a SpeechError when the file is not the tokenizer of a Whisper model. */
export async function readVocabulary(path: string, size: number): Promise<Vocabulary> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new SpeechError("validation_failed", `${path} could not be read: ${String(cause)}`, {
      param: "MODEL_ID",
      cause,
    });
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    throw new SpeechError("validation_failed", `${path} is not a tokenizer.json with a vocabulary`, {
      param: "MODEL_ID",
    });
  }
  return createVocabulary(parsed.data, size, path);
}

function createVocabulary(file: z.infer<typeof fileSchema>, size: number, path: string): Vocabulary {
  const added = new Map(file.added_tokens.map(({ id, content }) => [content, id]));
  const id = (...names: string[]): number => {
    for (const name of names) {
      const found = added.get(name) ?? file.model.vocab[name];
      if (found !== undefined) return found;
    }
    throw new SpeechError("validation_failed", `${path} has no token ${names[0]}: not a Whisper tokenizer`, {
      param: "MODEL_ID",
    });
  };
  const noTimestamps = id("<|notimestamps|>");
  const control: ControlTokens = {
    endOfText: id("<|endoftext|>"),
    startOfTranscript: id("<|startoftranscript|>"),
    translate: id("<|translate|>"),
    transcribe: id("<|transcribe|>"),
    startOfLm: id("<|startoflm|>"),
    startOfPrevious: id("<|startofprev|>"),
    // transformers' older files have the name of the paper.
    noSpeech: id("<|nospeech|>", "<|nocaptions|>"),
    noTimestamps,
    firstTimestamp: noTimestamps + 1,
  };
  const written = new Map<number, string>();
  for (const [content, token] of added) written.set(token, content);
  const languages = new Map<string, number>();
  for (let token = control.startOfTranscript + 1; token < control.translate; token++) {
    languages.set((written.get(token) ?? "").slice(2, -2), token);
  }
  const bytes = wordBytes(file.model.vocab, control.endOfText);
  if (!Array.isArray(file.model.merges)) {
    throw new SpeechError("validation_failed", `${path} has no merges: not a Whisper tokenizer`, { param: "MODEL_ID" });
  }
  // Made when it is first needed: few passes have a context or phrases to encode.
  let tokenizer: Tokenizer | undefined;
  const encode = (words: string): number[] => {
    tokenizer ??= new Tokenizer(file, {});
    return tokenizer.encode(words, { add_special_tokens: false }).ids;
  };
  const text = (tokens: readonly number[], controls: boolean, goesOn = false): string => {
    const parts: Uint8Array[] = [];
    for (const token of tokens) {
      if (token < control.endOfText) parts.push(bytes(token));
      else if (controls) parts.push(Buffer.from(controlText(token)));
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(parts), { stream: goesOn });
  };
  const controlText = (token: number) =>
    token >= control.firstTimestamp
      ? `<|${((token - control.firstTimestamp) * 0.02).toFixed(2)}|>`
      : (written.get(token) ?? "");
  return {
    size,
    multilingual: size >= SMALLEST_MULTILINGUAL,
    control,
    languages,
    encode: (words) => encode(withoutControls(words)),
    decode: (tokens) => text(tokens, false),
    decodeSoFar: (tokens) => text(tokens, false, true),
    decodeParts(parts) {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      const texts = parts.map((tokens) =>
        decoder.decode(Buffer.concat(tokens.filter((token) => token < control.endOfText).map(bytes)), { stream: true }),
      );
      const rest = decoder.decode();
      return texts.map((each, place) => (place === texts.length - 1 ? each + rest : each));
    },
    bytesOf: bytes,
    decodeAll: (tokens) => text(tokens, true),
  };
}

/** Cuts `<|…|>` out until none is left: cutting one may make another. */
export function withoutControls(text: string): string {
  let rest = text;
  for (let before = ""; before !== rest; ) {
    before = rest;
    rest = rest.replace(/<\|[^|<>]*\|>/g, "");
  }
  return rest;
}

/** Bytes of a word by its id, below `count`; all lie in one array. */
function wordBytes(vocab: Readonly<Record<string, number>>, count: number): (token: number) => Uint8Array {
  const byteOf = new Uint8Array(512);
  for (const [byte, letter] of byteLetters()) byteOf[letter.charCodeAt(0)] = byte;
  const words = new Array<string>(count).fill("");
  let total = 0;
  for (const [word, token] of Object.entries(vocab)) {
    if (token >= count) continue;
    words[token] = word;
    total += word.length;
  }
  const bytes = new Uint8Array(total);
  const ends = new Uint32Array(count + 1);
  let end = 0;
  for (const [token, word] of words.entries()) {
    for (let index = 0; index < word.length; index++) bytes[end++] = byteOf[word.charCodeAt(index)] ?? 0;
    ends[token + 1] = end;
  }
  return (token) => bytes.subarray(ends[token], ends[token + 1]);
}

/** GPT-2's printable letter for every byte. */
function byteLetters(): Map<number, string> {
  const letters = new Map<number, string>();
  for (const [first, last] of [
    [33, 126],
    [161, 172],
    [174, 255],
  ] as const) {
    for (let byte = first; byte <= last; byte++) letters.set(byte, String.fromCodePoint(byte));
  }
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    if (!letters.has(byte)) letters.set(byte, String.fromCodePoint(next++));
  }
  return letters;
}
