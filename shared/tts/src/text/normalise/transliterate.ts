/**
 * Letters of other scripts in Latin ones, so that one foreign word does not keep a text from being read: "Say Москва please."
 * The table is any-ascii's, one entry for a letter, whatever the language: "moskva", "ni hao", "toukiyou".
 */
import anyAscii from "any-ascii";

/** Runs of letters that are not Latin, with their marks, and figures that are not 0–9. */
const runs = /(?:(?![\p{Script=Latin}\p{ASCII}])[\p{L}\p{Nd}]\p{M}*)+/gu;

/** Scripts that put no blank between words, or whose letters are words. */
const unspaced =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Script=Thai}|\p{Script=Lao}|\p{Script=Khmer}|\p{Script=Myanmar}/u;

/** Every letter that is left is a Latin one, maybe with marks; a letter that the table does not know is a blank. */
export function transliterate(text: string): string {
  return text.replace(runs, (run) => {
    const spaced = run.replace(/\p{Script=Han}/gu, (sign) => ` ${sign} `);
    const latin = lettersOf(anyAscii(spaced).toLowerCase());
    const named = /^\p{Lu}/u.test(run) ? latin.replace(/^[a-z]/, (first) => first.toUpperCase()) : latin;
    return unspaced.test(run) || named === "" ? ` ${named} ` : named;
  });
}

/** Latin letters that are none of a–z, without marks: of small capitals, of phonetic scripts, of "ħ" and "ŧ". */
export function plainLetters(text: string): string {
  return text.replace(/(?![a-zA-Z])\p{L}/gu, (letter) => lettersOf(anyAscii(letter)) || " ");
}

/** Soft signs and stops of the throat have no letter, and an apostrophe would be another thing. */
const lettersOf = (text: string) => text.replace(/[^A-Za-z\d ]/g, "");
