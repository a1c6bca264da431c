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

/** `<|im_start|>`, `assistant` and a line feed. */
const ROLE_TOKENS = 3;
/** The end of a turn and a line feed. */
const TURN_END = 2;

/** Throws a SpeechError when the file is not the tokenizer of such a model. */
export async function loadPromptTokenizer(path: string, marks: TextMarks): Promise<PromptTokenizer> {
  const tokenizer = await loadTextTokenizer(path, "TTS_MODEL_ID");
  const role = tokenizer.encode("<|im_start|>assistant\n");
  if (role.length === ROLE_TOKENS && tokenizer.encode("<|im_end|>\n").length === TURN_END) {
    return createPromptTokenizer(tokenizer, marks);
  }
  throw new SpeechError("validation_failed", `${path} is not a tokenizer of Qwen3-TTS`, { param: "TTS_MODEL_ID" });
}

export function createPromptTokenizer(tokenizer: TextTokenizer, marks: TextMarks): PromptTokenizer {
  const turn = (text: string) => tokenizer.encode(`<|im_start|>assistant\n${text}<|im_end|>\n`);
  return {
    marks,
    clean: (text) => withoutControlTokens(tokenizer, text).trim(),
    said(text) {
      const tokens = turn(text);
      return { role: tokens.slice(0, ROLE_TOKENS), text: tokens.slice(ROLE_TOKENS, -TURN_END) };
    },
    reference: (text) => turn(text).slice(ROLE_TOKENS, -TURN_END),
    instructions: (text) => (text === "" ? [] : tokenizer.encode(`<|im_start|>user\n${text}<|im_end|>\n`)),
  };
}
