/** Text to tokens and back, by the tokenizer.json of a checkpoint. */
import { readFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { SpeechError } from "@parlance/contracts";

export interface TextTokenizer {
  /** Special tokens that stand in the text count as such. */
  encode(text: string): number[];
  /** Special tokens leave nothing; added ones that are not special stay. */
  decode(tokens: readonly number[]): string;
  /** The UTF-8 bytes that a token leaves in a text, which may begin or end inside a character. Special tokens leave none. */
  bytesOf(token: number): Uint8Array;
  /** Tokens are below this one. */
  readonly size: number;
  /** Texts that stand for one token each and are never words: those that end a turn, or mark a place. */
  readonly controlTokens: readonly string[];
  /** The token that stands for exactly this text. */
  tokenOf(text: string): number | undefined;
}

/** Bytes that stand for themselves in the vocabulary of a byte-level tokenizer; the others have letters from 256 on, in order. */
const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const hidden = bytes.filter((byte) => !isPrintable(byte));
const letterBytes: ReadonlyMap<string, number> = new Map(
  bytes.map((byte) => [String.fromCodePoint(isPrintable(byte) ? byte : 256 + hidden.indexOf(byte)), byte]),
);

/** Throws a SpeechError when the file is not a tokenizer. `setting`: the one that says which model it is. */
export async function loadTextTokenizer(path: string, setting = "MODEL_ID"): Promise<TextTokenizer> {
  let description: unknown;
  try {
    description = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw noTokenizer(path, setting, cause);
  }
  return createTextTokenizer(description, path, setting);
}

function noTokenizer(path: string, param: string, cause: unknown): SpeechError {
  return new SpeechError("validation_failed", `${path} is not a tokenizer: ${String(cause)}`, { cause, param });
}

/**
 * As a tokenizer.json says it. Throws a SpeechError when it is none.
 *
 * @param path what it was read from
 */
export function createTextTokenizer(description: unknown, path: string, setting = "MODEL_ID"): TextTokenizer {
  let tokenizer: Tokenizer;
  try {
    if (typeof description !== "object" || description === null) throw new Error("it holds no object");
    tokenizer = new Tokenizer(description, {});
  } catch (cause) {
    throw noTokenizer(path, setting, cause);
  }
  const added = tokenizer.get_added_tokens_decoder();
  const utf8 = new TextEncoder();
  let size = 0;
  for (const token of tokenizer.get_vocab(true).values()) size = Math.max(size, token + 1);
  return {
    bytesOf(token) {
      const special = added.get(token);
      if (special !== undefined) return utf8.encode(special.special ? "" : special.content);
      const letters: string = tokenizer.id_to_token(token) ?? "";
      return Uint8Array.from(Array.from(letters), (letter) => letterBytes.get(letter) ?? 0);
    },
    size,
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (tokens) =>
      tokens.length === 0
        ? ""
        : tokenizer.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    controlTokens: Array.from(added.values(), ({ content }) => content),
    tokenOf: (text) => tokenizer.token_to_id(text),
  };
}

/** Without anything that the tokenizer takes for a control token; also where cutting one would make another. */
export function withoutControlTokens({ controlTokens }: Pick<TextTokenizer, "controlTokens">, text: string): string {
  for (let rest = text; ; ) {
    const cut = controlTokens.reduce((kept, token) => kept.replaceAll(token, ""), rest);
    if (cut === rest) return rest;
    rest = cut;
  }
}
