/** The tokenizer of a Qwen3-ASR checkpoint, and the tokens that the prompt is made of, by name: ids are the file's. */
import { SpeechError } from "@parlance/contracts";
import { loadTextTokenizer, type TextTokenizer } from "@parlance/generation";

/** Of what it decodes, `<asr_text>` and `<timestamp>` stay, as in the official tokenizer. */
export interface PromptTokenizer extends TextTokenizer {
  readonly endTokens: readonly number[];
  readonly audioToken: number;
  readonly timestampToken: number | undefined;
  readonly padToken: number;
}

export async function loadTokenizer(path: string): Promise<PromptTokenizer> {
  const tokenizer = await loadTextTokenizer(path);
  const idOf = (token: string): number => {
    const id = tokenizer.tokenOf(token);
    if (id !== undefined) return id;
    throw new SpeechError("validation_failed", `${path} has no token ${token}: not a tokenizer of Qwen3-ASR`, {
      param: "MODEL_ID",
    });
  };
  return {
    ...tokenizer,
    endTokens: [idOf("<|im_end|>"), idOf("<|endoftext|>")],
    audioToken: idOf("<|audio_pad|>"),
    timestampToken: tokenizer.tokenOf("<timestamp>"),
    padToken: idOf("<|endoftext|>"),
  };
}
