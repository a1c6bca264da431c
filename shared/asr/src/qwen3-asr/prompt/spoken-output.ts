/**
 * What the model has written, as language and text: the official `parse_asr_output`. With a forced language everything is
 * text. Else the model writes `language English<asr_text>Hello.`; for silence `language None<asr_text>`, of which nothing
 * leaves: a language that the model could not tell is the empty string.
 */
import { repairRepetitions } from "../../repetition.ts";
import { splitLines, strip } from "./python-text.ts";

export const textTag = "<asr_text>";
const languagePrefix = "language ";

export interface SpokenOutput {
  language: string;
  text: string;
}

export function parseOutput(raw: string, forced: string | undefined): SpokenOutput {
  const stripped = strip(raw);
  if (stripped === "") return { language: "", text: "" };
  const repaired = repairRepetitions(stripped);
  if (forced !== undefined) return { language: forced, text: repaired };
  const tag = repaired.indexOf(textTag);
  if (tag === -1) return { language: "", text: strip(repaired) };
  const meta = repaired.slice(0, tag);
  const text = strip(repaired.slice(tag + textTag.length));
  if (meta.toLowerCase().includes("language none")) return { language: "", text };
  const line = splitLines(meta)
    .map(strip)
    .find((candidate) => candidate.toLowerCase().startsWith(languagePrefix));
  const name = strip((line ?? "").slice(languagePrefix.length));
  return { language: name === "" ? "" : normaliseLanguageName(name), text };
}

/** First letter upper case, the rest lower case: the official `normalize_language_name`. Throws for an empty name. */
export function normaliseLanguageName(name: string): string {
  const stripped = strip(name);
  if (stripped === "") throw new RangeError("language is empty");
  const [first = ""] = stripped;
  return first.toUpperCase() + stripped.slice(first.length).toLowerCase();
}
