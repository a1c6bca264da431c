/**
 * What an architecture that writes texts keeps of the windows of an utterance. A memory goes out to whoever cuts the session and comes
 * back with the next window: it may be of another architecture or version, or anything. What does not fit is as if it were not there.
 * Pure.
 */
import type { HeardWindow, WindowMemory } from "@parlance/contracts";
import * as z from "zod";
import type { AsrResult, AsrSegment } from "../types.ts";
import { agree, MOST_STABLE, nothingSpoken, type Spoken } from "./agreement.ts";

/** Seconds of an utterance in which its language may still change. Then it is pinned, and text may become stable. */
export const PIN_SECONDS = 2.5;
/** Tokens that a second of speech comes to at most, and those that any window may have beyond. */
export const WINDOW_TOKENS = { tokensPerSecond: 15, spareTokens: 16 };
/** Code units of a tail that are remembered: it takes part in what agrees. Each may be six bytes of a header. */
const MOST_TAIL = 500;

const textMemorySchema = z.object({
  rule: z.literal("agreement 1"),
  stable: z.string().max(MOST_STABLE),
  tail: z.string().max(MOST_TAIL),
  language: z.string().min(1).max(64).optional(),
});

export interface TextWindow extends Spoken {
  /** The one that was pinned, as the architecture calls it. */
  language: string | undefined;
}

/** What the windows before left; undefined where the segment is no window. */
export function textWindow({ window }: Pick<AsrSegment, "window">): TextWindow | undefined {
  if (window === undefined) return undefined;
  const { success, data } = textMemorySchema.safeParse(window.memory);
  return success ? { ...data, language: data.language } : { ...nothingSpoken, language: undefined };
}

export interface SaidInWindow {
  /** Of the whole utterance so far. */
  text: string;
  seconds: number;
  /** That the architecture heard or was told; undefined where it cannot tell. */
  language: string | undefined;
  /** Whether the caller named it, or the model has but one. */
  sure: boolean;
}

export function hearText(before: TextWindow, { text, seconds, language, sure }: SaidInWindow): HeardWindow {
  const pinned = before.language ?? (sure || seconds >= PIN_SECONDS ? language : undefined);
  const { stable, tail } = agree(before, text, pinned !== undefined);
  return { stable, tail, memory: textMemory({ stable, tail, language: sure ? undefined : pinned }) };
}

function textMemory({ stable, tail, language }: TextWindow): WindowMemory {
  const remembered = { rule: "agreement 1", stable, tail: wholeUnits(tail) };
  return language === undefined ? remembered : { ...remembered, language };
}

/** Without half a surrogate pair at its end. */
function wholeUnits(text: string): string {
  return text.slice(0, MOST_TAIL).replace(/[\ud800-\udbff]$/, "");
}

/** The result of a window that nothing was said in. */
export function silentWindow(before: TextWindow, told: Pick<AsrResult, "language" | "score" | "truncated">): AsrResult {
  return windowResult({ stable: before.stable, tail: "", memory: textMemory({ ...before, tail: "" }) }, told);
}

/** The result of a window. */
export function windowResult(heard: HeardWindow, told: Pick<AsrResult, "language" | "score" | "truncated">): AsrResult {
  return { ...told, text: heard.stable + heard.tail, words: [], stretches: [], heard };
}
