/**
 * Languages by English name and ISO code, and `auto`. What a model does not know of them it refuses: this is what a caller may
 * say, whichever model answers. A language that models call by different names has one here.
 */
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
  Catalan: "ca",
  Hebrew: "he",
  Ukrainian: "uk",
  Tamil: "ta",
  Norwegian: "no",
  Urdu: "ur",
  Croatian: "hr",
  Bulgarian: "bg",
  Lithuanian: "lt",
  Latin: "la",
  Maori: "mi",
  Malayalam: "ml",
  Welsh: "cy",
  Slovak: "sk",
  Telugu: "te",
  Latvian: "lv",
  Bengali: "bn",
  Serbian: "sr",
  Azerbaijani: "az",
  Slovenian: "sl",
  Kannada: "kn",
  Estonian: "et",
  Breton: "br",
  Basque: "eu",
  Icelandic: "is",
  Armenian: "hy",
  Nepali: "ne",
  Mongolian: "mn",
  Bosnian: "bs",
  Kazakh: "kk",
  Albanian: "sq",
  Swahili: "sw",
  Galician: "gl",
  Marathi: "mr",
  Punjabi: "pa",
  Sinhala: "si",
  Khmer: "km",
  Shona: "sn",
  Yoruba: "yo",
  Somali: "so",
  Afrikaans: "af",
  Occitan: "oc",
  Georgian: "ka",
  Belarusian: "be",
  Tajik: "tg",
  Sindhi: "sd",
  Gujarati: "gu",
  Amharic: "am",
  Yiddish: "yi",
  Lao: "lo",
  Uzbek: "uz",
  Faroese: "fo",
  "Haitian Creole": "ht",
  Pashto: "ps",
  Turkmen: "tk",
  Nynorsk: "nn",
  Maltese: "mt",
  Sanskrit: "sa",
  Luxembourgish: "lb",
  Myanmar: "my",
  Tibetan: "bo",
  Malagasy: "mg",
  Assamese: "as",
  Tatar: "tt",
  Hawaiian: "haw",
  Lingala: "ln",
  Hausa: "ha",
  Bashkir: "ba",
  Javanese: "jv",
  Sundanese: "su",
} as const;

export type LanguageName = keyof typeof languageCodes;
export type Language = LanguageName | "auto";

export const languageNames = Object.keys(languageCodes) as LanguageName[];

/** What callers and models call a language beside that: openai-whisper's aliases and codes, and codes of former days. */
const otherNames: Readonly<Record<string, LanguageName>> = {
  mandarin: "Chinese",
  castilian: "Spanish",
  valencian: "Catalan",
  flemish: "Dutch",
  tagalog: "Filipino",
  tl: "Filipino",
  moldavian: "Romanian",
  moldovan: "Romanian",
  iw: "Hebrew",
  nb: "Norwegian",
  panjabi: "Punjabi",
  sinhalese: "Sinhala",
  pushto: "Pashto",
  haitian: "Haitian Creole",
  letzeburgesch: "Luxembourgish",
  burmese: "Myanmar",
  jw: "Javanese",
};

const byLowerCase = new Map<string, Language>([["auto", "auto"], ...Object.entries(otherNames)]);
for (const name of languageNames) {
  byLowerCase.set(name.toLowerCase(), name);
  byLowerCase.set(languageCodes[name], name);
}

/** A language by name or ISO code in any case (`"english"`, `"EN"`, `"en-US"`), or undefined when it is none of them. */
export function findLanguage(text: string): Language | undefined {
  const key = text.trim().toLowerCase();
  return byLowerCase.get(key) ?? byLowerCase.get(key.split(/[-_]/)[0] ?? "");
}

export const languageSchema = z
  .string()
  .max(64)
  .transform((text, context): Language => {
    // Clients that fill in every field of a form or a schema say nothing so.
    const language = text.trim() === "" ? "auto" : findLanguage(text);
    if (language !== undefined) return language;
    context.addIssue({
      code: "custom",
      message: `unknown language ${JSON.stringify(text)}: use auto, or a language's English name or ISO code, as English or en`,
    });
    return z.NEVER;
  });

/** Languages that are written without spaces between words: segments of them are joined without one. */
export const languagesWithoutSpaces: ReadonlySet<string> = new Set<LanguageName>([
  "Chinese",
  "Cantonese",
  "Japanese",
  "Thai",
  "Lao",
  "Myanmar",
]);
