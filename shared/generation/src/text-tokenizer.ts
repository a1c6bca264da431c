/** Text to tokens and back, by the tokenizer.json of a checkpoint. */
import { readFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { SpeechError } from "@parlance/contracts";

export interface TextTokenizer {
  /** Special tokens that stand in the text count as such. */
  encode(text: string): number[];
  /** Special tokens leave nothing; added ones that are not special stay. */
  decode(tokens: readonly number[]): string;
  /** Texts that stand for one token each and are never words: those that end a turn, or mark a place. */
  readonly controlTokens: readonly string[];
  /** The token that stands for exactly this text. */
  tokenOf(text: string): number | undefined;
}

/** Throws a SpeechError when the file is not a tokenizer. */
export async function loadTextTokenizer(path: string): Promise<TextTokenizer> {
  let tokenizer: Tokenizer;
  try {
    const description: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof description !== "object" || description === null) throw new Error("it holds no object");
    tokenizer = new Tokenizer(description, {});
  } catch (cause) {
    throw new SpeechError("validation_failed", `${path} is not a tokenizer: ${String(cause)}`, {
      cause,
      param: "MODEL_ID",
    });
  }
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (tokens) =>
      tokens.length === 0
        ? ""
        : tokenizer.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    controlTokens: Array.from(tokenizer.get_added_tokens_decoder().values(), ({ content }) => content),
    tokenOf: (text) => tokenizer.token_to_id(text),
  };
}
