/** What an endpointer goes by, in samples of 16 kHz. Pure. */
import { SAMPLE_RATE } from "@parlance/contracts";
import { findCut } from "../samples/segment.ts";
import { expandSeconds } from "../samples/segment-limits.ts";
import { WINDOW } from "./hearing-blocks.ts";
import type { EndpointerOptions } from "./utterances.ts";

export interface UtteranceRules {
  detect: boolean;
  /** Probabilities: from the first one on somebody speaks, below the second one nobody does. */
  high: number;
  low: number;
  prefix: number;
  silence: number;
  longest: number;
}

/** Between the two thresholds all stays as it is (Silero's own rule). */
const HYSTERESIS = 0.15;
const LOWEST = 0.01;
/** Windows in a row above the threshold that are a beginning: one alone is a click. */
export const BEGINNING = 2;
/** From its first to its last window of speech, 250 ms; what is shorter is none. */
const SHORTEST_SPEECH = SAMPLE_RATE / 4;
/** Of an utterance that its publisher marked out, half a second: what is shorter is too short to tell that nobody speaks in it. */
const SHORTEST_SILENT = SAMPLE_RATE / 2;

export function utteranceRules(options: EndpointerOptions): UtteranceRules {
  const { turns = "detect", threshold = 0.5, prefixMs = 300, silenceMs = 500, segmentSeconds = 25 } = options;
  const samples = (milliseconds: number) => Math.round((milliseconds * SAMPLE_RATE) / 1_000);
  return {
    detect: turns === "detect",
    high: threshold,
    low: Math.max(LOWEST, threshold - HYSTERESIS),
    prefix: samples(prefixMs),
    silence: samples(silenceMs),
    longest: Math.floor(segmentSeconds * SAMPLE_RATE),
  };
}

/**
 * Where an utterance of `longest` samples is cut: by the rule that cuts files, with the limit whose region ends with the utterance.
 * At 25 s that is the quietest point between its 15th and 25th second.
 */
export function cutOfUtterance(audio: Int16Array): number {
  const seconds = audio.length / SAMPLE_RATE;
  const limitSeconds = seconds >= 15 ? seconds - 5 : (seconds * 2) / 3;
  const expand = Math.floor(expandSeconds(limitSeconds) * SAMPLE_RATE);
  const limit = Math.floor(limitSeconds * SAMPLE_RATE);
  return findCut(audio, { limit, expand, window: SAMPLE_RATE / 10 });
}

/** An utterance, and the probabilities of its windows; the first of them is the one in which it begins. */
export interface Judged {
  start: number;
  end: number;
  speech: readonly number[];
  /** Began by detected speech, carried on after a cut, or goes from one `finalize` to the next. */
  kind: "spoken" | "carried" | "marked";
  /** Its publisher said that here it ends. */
  told: boolean;
}

/** Whether it is an utterance, or to be dropped. */
export function isUtterance({ start, end, speech, kind, told }: Judged, { high, low }: UtteranceRules): boolean {
  const windows = Math.ceil(end / WINDOW) - Math.floor(start / WINDOW);
  const own = speech.slice(0, windows);
  if (kind === "marked" && end - start < SHORTEST_SILENT) return true;
  if (kind !== "spoken") return own.some((probability) => probability >= low);
  if (told) return true;
  const first = own.findIndex((probability, at) => probability >= high && (own[at + 1] ?? 0) >= high);
  const last = own.findLastIndex((probability) => probability >= high);
  return (last + 1 - first) * WINDOW >= SHORTEST_SPEECH;
}
