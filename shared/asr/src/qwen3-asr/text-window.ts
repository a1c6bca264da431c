/**
 * Windows of Qwen3-ASR: what is stable, less its last tokens, stands in the prompt as what the model has said already, so that a
 * window's text costs what is new of it (the official streaming goes back by as much). The rest is what agrees.
 */
import { type Manifest, SAMPLE_RATE } from "@parlance/contracts";
import { type Decoded, withoutControlTokens } from "@parlance/generation";
import type { AsrResult, AsrSegment } from "../types.ts";
import { tokensLoop } from "../windows/loops.ts";
import { hearText, type TextWindow, textWindow, WINDOW_TOKENS, windowResult } from "../windows/memory.ts";
import type { TokenAllowance } from "./manifest-section.ts";
import type { PromptTokenizer } from "./prompt/prompt-tokenizer.ts";
import { parseOutput } from "./prompt/spoken-output.ts";

/** Tokens of the stable text that the model says again. */
const SAID_AGAIN = 5;
/** That any window may say. */
const LEAST_TOKENS = 16;

export interface ForcedWindow {
  /** To force; undefined: the model tells. */
  language: string | undefined;
  /** What stands behind the prompt as said. */
  tokens: readonly number[];
  budget: number;
  /** Whether it is of no use to say more. */
  loops(tokens: readonly number[]): boolean;
  result(said: SaidTokens): AsrResult;
}

export interface SaidTokens extends Pick<Decoded, "tokens" | "truncated"> {
  /** Null where it is not known. */
  score: number | null;
}

export interface WindowParts {
  tokenizer: Pick<PromptTokenizer, "encode" | "decode" | "controlTokens">;
  manifest: Pick<Manifest, "languages">;
  allowance: TokenAllowance;
}

/** Undefined where the segment is no window. */
export function forcedWindow(
  segment: AsrSegment,
  { tokenizer, manifest, allowance }: WindowParts,
): ForcedWindow | undefined {
  const before = windowBefore(segment, manifest);
  if (before === undefined) return undefined;
  const { samples } = segment;
  const seconds = samples.length / SAMPLE_RATE;
  const named = segment.language === "auto" ? undefined : segment.language;
  const language = named ?? before.language;
  const tokens = language === undefined ? [] : forcedTokens(before.stable, tokenizer);
  const perSecond = Math.min(allowance.tokensPerSecond, WINDOW_TOKENS.tokensPerSecond);
  const spare = Math.min(allowance.spareTokens, WINDOW_TOKENS.spareTokens);
  return {
    language,
    tokens,
    budget: Math.max(LEAST_TOKENS, Math.ceil(seconds * perSecond) + spare - tokens.length),
    loops: tokensLoop,
    result({ tokens: said, score, truncated }) {
      const heard = parseOutput(tokenizer.decode([...tokens, ...said]), language);
      const spoken = heard.language === "" ? language : heard.language;
      const told = { text: heard.text, seconds, language: spoken, sure: named !== undefined };
      return windowResult(hearText(before, told), {
        language: spoken ?? "",
        score: heard.text === "" ? null : score,
        truncated,
      });
    },
  };
}

function windowBefore(segment: AsrSegment, { languages }: WindowParts["manifest"]): TextWindow | undefined {
  const before = textWindow(segment);
  if (before?.language === undefined || languages.includes(before.language)) return before;
  return { ...before, language: undefined };
}

/** Ends with a whole character. */
function forcedTokens(stable: string, tokenizer: WindowParts["tokenizer"]): number[] {
  const { encode, decode } = tokenizer;
  const text = withoutControlTokens(tokenizer, stable);
  const tokens = text === "" ? [] : encode(text).slice(0, -SAID_AGAIN);
  while (tokens.length > 0 && decode(tokens).endsWith("\ufffd")) tokens.pop();
  return tokens;
}
