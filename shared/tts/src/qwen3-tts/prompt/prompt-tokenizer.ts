/**
 * What is to be said and how, as the tokens that stand in a prompt: the chat templates of the official implementation, of which some
 * parts are placed by themselves. All of it is the caller's text: what the tokenizer takes for control tokens is cut out, or a text
 * could close its own turn.
 */
import { SpeechError } from "@parlance/contracts";
import { loadTextTokenizer, type TextTokenizer, withoutControlTokens } from "@parlance/generation";
import type { TextMarks } from "./prompt.ts";

export interface PromptTokenizer {
  readonly marks: TextMarks;
  /** What is left of a caller's text without control tokens and the space around it. */
  clean(text: string): string;
  /** The tokens of a clean text, and those of the role that speaks it. */
  said(text: string): { role: number[]; text: number[] };
  /** Of what is said in a reference. */
  reference(text: string): number[];
  /** The whole turn of the one who asks; none for an empty text. */
  instructions(text: string): number[];
}

/** `<|im_start|>`, `assistant` and a line feed. Counted and not looked for, as in the official implementation. */
const ROLE_TOKENS = 3;
/** The end of a turn and a line feed. */
const TURN_END = 2;

/** Throws a SpeechError when the file is not the tokenizer of such a model. */
export async function loadPromptTokenizer(path: string, marks: TextMarks): Promise<PromptTokenizer> {
  const tokenizer = await loadTextTokenizer(path, "TTS_MODEL_ID");
  const missing = ["<|im_start|>", "<|im_end|>"].filter((token) => tokenizer.tokenOf(token) === undefined);
  if (missing.length === 0) return createPromptTokenizer(tokenizer, marks);
  throw new SpeechError("validation_failed", `${path} has no ${missing.join(", ")}: not a tokenizer of Qwen3-TTS`, {
    param: "TTS_MODEL_ID",
  });
}

export function createPromptTokenizer(tokenizer: TextTokenizer, marks: TextMarks): PromptTokenizer {
  const turn = (text: string) => `<|im_start|>assistant\n${text}<|im_end|>\n`;
  return {
    marks,
    clean: (text) => withoutControlTokens(tokenizer, text).trim(),
    said(text) {
      const tokens = tokenizer.encode(`${turn(text)}<|im_start|>assistant\n`);
      return { role: tokens.slice(0, ROLE_TOKENS), text: tokens.slice(ROLE_TOKENS, -TURN_END - ROLE_TOKENS) };
    },
    reference: (text) => tokenizer.encode(turn(text)).slice(ROLE_TOKENS, -TURN_END),
    instructions: (text) => (text === "" ? [] : tokenizer.encode(`<|im_start|>user\n${text}<|im_end|>\n`)),
  };
}
