/** How the texts and languages of an item's segments become one text and one language. Pure. */
import { languagesWithoutSpaces } from "@parlance/contracts";

export interface SpokenText {
  text: string;
  /** English name, or empty when the model could not tell. */
  language: string;
}

/**
 * Joins texts with a space, or with nothing between two that are written without spaces (Chinese, Cantonese, Japanese,
 * Thai). A segment whose language is unknown is taken for that of the one before it. Empty segments leave no trace.
 */
export function joinTexts(segments: readonly SpokenText[]): string {
  let joined = "";
  let language = segments.find((segment) => segment.language !== "")?.language ?? "";
  let previous = language;
  for (const segment of segments) {
    if (segment.language !== "") language = segment.language;
    const text = segment.text.trim();
    if (text === "") continue;
    const close = languagesWithoutSpaces.has(previous) && languagesWithoutSpaces.has(language);
    joined += joined === "" || close ? text : ` ${text}`;
    previous = language;
  }
  return joined;
}

/** Languages in order, without empty ones and consecutive repeats, comma-joined: what Qwen3-ASR answers for long audio. */
export function mergeLanguages(languages: readonly string[]): string {
  const merged: string[] = [];
  for (const language of languages) {
    if (language !== "" && language !== merged.at(-1)) merged.push(language);
  }
  return merged.join(",");
}
