/**
 * How the texts and languages of an item's segments become one text and one language: strictly from left to right, so that what
 * is told of a text as its segments come is how the whole begins. Pure.
 */
import { languagesWithoutSpaces } from "./languages.ts";

export interface SpokenText {
  text: string;
  /** English name, or empty when the model could not tell. */
  language: string;
}

/** A text that grows. The deltas that it answers are, one behind the other, what `joinTexts` makes of the segments. */
export interface TextJoin {
  /** The next segment, whole: what of it has not been told yet. */
  add(segment: SpokenText): string;
  /**
   * What the next segment certainly begins with; each part begins with the one before, and the segment with the last. Empty while
   * it is open whether a space stands before it: behind a language written without spaces that is known with the segment's own.
   *
   * @param language of the segment, where it is known already
   */
  part(text: string, language?: string): string;
}

export function createTextJoin(): TextJoin {
  let empty = true;
  /** Of the last segment whose language was known, and of the last one with a text. */
  let language = "";
  let previous = "";
  /** Characters of the next segment that are told, without the space before it. */
  let told = 0;

  function grow(text: string, separator: string): string {
    const delta = text.slice(told);
    const begins = told === 0 && !empty;
    told = Math.max(told, text.length);
    return begins && delta !== "" ? separator + delta : delta;
  }

  return {
    add(segment) {
      if (segment.language !== "") language = segment.language;
      const delta = grow(segment.text.trim(), isClose(previous, language) ? "" : " ");
      if (told > 0) [told, empty, previous] = [0, false, language];
      return delta;
    },
    part(text, known = "") {
      const open = !empty && told === 0 && known === "" && languagesWithoutSpaces.has(previous);
      return open ? "" : grow(text.trim(), isClose(previous, known) ? "" : " ");
    },
  };
}

/**
 * Joins texts with a space, or with nothing between two that are written without spaces (Chinese, Japanese, Thai …). A segment
 * whose language is unknown is taken for that of the one before it, and for one with spaces where there is none yet. Empty
 * segments leave no trace.
 */
export function joinTexts(segments: readonly SpokenText[]): string {
  const join = createTextJoin();
  return segments.map((segment) => join.add(segment)).join("");
}

function isClose(previous: string, language: string): boolean {
  return languagesWithoutSpaces.has(previous) && languagesWithoutSpaces.has(language);
}

/** Languages in order, without empty ones and consecutive repeats, comma-joined: what Qwen3-ASR answers for long audio. */
export function mergeLanguages(languages: readonly string[]): string {
  const merged: string[] = [];
  for (const language of languages) {
    if (language !== "" && language !== merged.at(-1)) merged.push(language);
  }
  return merged.join(",");
}
