/** The 30 languages of Qwen3-ASR in its own order, by English name and ISO code, and `auto`. */
import * as z from "zod";

export const languageCodes = {
  Chinese: "zh",
  English: "en",
  Cantonese: "yue",
  Arabic: "ar",
  German: "de",
  French: "fr",
  Spanish: "es",
  Portuguese: "pt",
  Indonesian: "id",
  Italian: "it",
  Korean: "ko",
  Russian: "ru",
  Thai: "th",
  Vietnamese: "vi",
  Japanese: "ja",
  Turkish: "tr",
  Hindi: "hi",
  Malay: "ms",
  Dutch: "nl",
  Swedish: "sv",
  Danish: "da",
  Finnish: "fi",
  Polish: "pl",
  Czech: "cs",
  Filipino: "fil",
  Persian: "fa",
  Greek: "el",
  Romanian: "ro",
  Hungarian: "hu",
  Macedonian: "mk",
} as const;

export type LanguageName = keyof typeof languageCodes;
export type Language = LanguageName | "auto";

export const languageNames = Object.keys(languageCodes) as LanguageName[];

const byLowerCase = new Map<string, Language>([["auto", "auto"]]);
for (const name of languageNames) {
  byLowerCase.set(name.toLowerCase(), name);
  byLowerCase.set(languageCodes[name], name);
}

/** A language by name or ISO code in any case (`"english"`, `"EN"`, `"en-US"`), or undefined when it is none of the 30. */
export function findLanguage(text: string): Language | undefined {
  const key = text.trim().toLowerCase();
  return byLowerCase.get(key) ?? byLowerCase.get(key.split(/[-_]/)[0] ?? "");
}

export const languageSchema = z
  .string()
  .max(64)
  .transform((text, context): Language => {
    const language = findLanguage(text);
    if (language !== undefined) return language;
    context.addIssue({
      code: "custom",
      message: `unknown language ${JSON.stringify(text)}: use auto, ${languageNames.join(", ")}, or an ISO code`,
    });
    return z.NEVER;
  });

/** Languages that are written without spaces between words: segments of them are joined without one. */
export const languagesWithoutSpaces: ReadonlySet<string> = new Set(["Chinese", "Cantonese", "Japanese", "Thai"]);
