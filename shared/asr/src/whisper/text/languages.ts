/** Whisper's languages by its own codes, in the order of its tokens; the last came with large-v3. Their names are contracts'. */
import { findLanguage, languagesWithoutSpaces } from "@parlance/contracts";
import type { Vocabulary } from "./vocabulary.ts";

export const whisperCodes: readonly string[] = [
  "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr",
  "bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn",
  "yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su",
  "yue",
].flatMap((codes) => codes.split(" "));

/** English name of a code; the code itself where a model brings a language of its own. */
export function languageName(code: string): string {
  return findLanguage(code) ?? code;
}

/** The code by which a vocabulary has a language; older ones have other codes for some. Undefined: it has none, or is asked for `auto`. */
export function languageCode({ languages }: Pick<Vocabulary, "languages">, name: string): string | undefined {
  return [...languages.keys()].find((code) => languageName(code) === name);
}

/** Languages that are written without spaces: their words are cut wherever a character ends. */
export const codesWithoutSpaces: ReadonlySet<string> = new Set(
  whisperCodes.filter((code) => languagesWithoutSpaces.has(languageName(code))),
);
