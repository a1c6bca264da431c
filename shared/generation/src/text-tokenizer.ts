/** The tokenizer of a Qwen3-ASR checkpoint, and the tokens that the prompt is made of, by name: ids are the file's. */
import { readFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { SpeechError } from "@parlance/contracts";

export interface TextTokenizer {
  /** Special tokens that stand in the text count as such. */
  encode(text: string): number[];
  /** Special tokens leave nothing; `<asr_text>` and `<timestamp>` stay, as in the official tokenizer. */
  decode(tokens: readonly number[]): string;
  /** Texts that stand for one token each and are never words: those of the end of a turn, of audio, of the answer's parts. */
  readonly controlTokens: readonly string[];
  readonly endTokens: readonly number[];
  readonly audioToken: number;
  readonly timestampToken: number | undefined;
  readonly padToken: number;
}

export async function loadTokenizer(path: string): Promise<TextTokenizer> {
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
  const idOf = (token: string): number => {
    const id = tokenizer.token_to_id(token);
    if (id !== undefined) return id;
    throw new SpeechError("validation_failed", `${path} has no token ${token}: not a tokenizer of Qwen3-ASR`, {
      param: "MODEL_ID",
    });
  };
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (tokens) =>
      tokens.length === 0
        ? ""
        : tokenizer.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    controlTokens: Array.from(tokenizer.get_added_tokens_decoder().values(), ({ content }) => content),
    endTokens: [idOf("<|im_end|>"), idOf("<|endoftext|>")],
    audioToken: idOf("<|audio_pad|>"),
    timestampToken: tokenizer.token_to_id("<timestamp>"),
    padToken: idOf("<|endoftext|>"),
  };
}
