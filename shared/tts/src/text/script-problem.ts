/**
 * Whether a text is written in letters that a model reads. Judged by the whole text: a foreign word or sentence in it is read as
 * well as may be, but what is foreign for the most part would be noise.
 */
import { languageCodes } from "@parlance/contracts";
import { table } from "./table.ts";

export interface Reader {
  model: string;
  /** By their English names; undefined: any. */
  languages?: readonly string[] | undefined;
}

/** Of all letters and figures, how many a model must read. */
const LEAST_SHARE = 0.5;

/** Scripts that are written in several: by the codes of ISO 15924, which Unicode's names of scripts know too. */
const parts = table<readonly string[]>({
  Hans: ["Hani"],
  Hant: ["Hani"],
  Jpan: ["Hira", "Kana", "Hani"],
  Kore: ["Hang", "Hani"],
});

/** One sentence for the caller when none of the models reads most of the text; undefined when one does, or none is known. */
export function scriptProblem(text: string, readers: readonly Reader[]): string | undefined {
  const letters = lettersOf(text);
  if (readers.length === 0 || readers.some(({ languages }) => readsMost(letters, languages))) return undefined;
  const models = [...new Set(readers.map(({ model }) => model))].join(", ");
  const languages = [...new Set(readers.flatMap(({ languages = [] }) => languages))].join(", ");
  return `The text is for the most part not in letters that ${models} reads (${languages}).`;
}

/** Whether most of its letters are those that a language is written in, by its English name. A language that is not known has none. */
export function isWrittenIn(text: string, language: string): boolean {
  return isMostlyIn(lettersOf(text), scriptsOf(language));
}

/** Greek letters of a formula, which have names in every language: one or two in a row. Three are of a word. */
export const greekOfFormulas = /(?<!\p{Script=Greek}\p{M}*)\p{Script=Greek}{1,2}(?!\p{M}*\p{Script=Greek}|\p{M})/gu;

/** Also what the compatibility forms stand for: ligatures, full width, mathematical alphabets. */
function lettersOf(text: string): string[] {
  return (
    text
      .normalize("NFKC")
      .replace(greekOfFormulas, "a")
      .match(/[\p{L}\p{N}]/gu) ?? []
  );
}

function readsMost(letters: readonly string[], languages: readonly string[] | undefined): boolean {
  return languages === undefined || isMostlyIn(letters, ["Latn", ...languages.flatMap(scriptsOf)]);
}

/** By the codes of ISO 15924. Figures are of all. */
function isMostlyIn(letters: readonly string[], codes: readonly string[]): boolean {
  const scripts = new Set(codes);
  const read = new RegExp(`[\\p{N}${[...scripts].map((script) => `\\p{Script=${script}}`).join("")}]`, "u");
  const count = letters.filter((letter) => read.test(letter)).length;
  return count >= letters.length * LEAST_SHARE;
}

function scriptsOf(language: string): readonly string[] {
  const code = Object.entries(languageCodes).find(([name]) => name === language)?.[1];
  const script = code === undefined ? undefined : new Intl.Locale(code).maximize().script;
  return script === undefined ? [] : (parts[script] ?? [script]);
}
