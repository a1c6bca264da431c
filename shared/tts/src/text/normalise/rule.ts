/**
 * How written forms are rewritten: a list of rules, each a pattern and what to say for what it finds, applied one after the
 * other to the whole text. What a rule says is words in lower case, so that later rules find nothing in it; the letters of a
 * spelled-out word are kept apart from the text's own in the private use area until the very end.
 */
export interface Found {
  /** The match and its groups; "" for a group that took no part. */
  groups: readonly string[];
  /** The text before and after the match. */
  before: string;
  after: string;
}

export interface Rule {
  /** Global. */
  pattern: RegExp;
  /** What is said instead; undefined: the text stays. */
  say: (found: Found) => string | undefined;
}

export function rule(pattern: RegExp, say: Rule["say"]): Rule {
  return { pattern, say };
}

export function applyRules(text: string, rules: readonly Rule[]): string {
  let result = text;
  for (const { pattern, say } of rules) {
    let rewritten = "";
    let done = 0;
    for (const match of result.matchAll(pattern)) {
      const end = match.index + match[0].length;
      const said = say({
        groups: Array.from(match, (group: string | undefined) => group ?? ""),
        before: result.slice(Math.max(0, match.index - 60), match.index),
        after: result.slice(end, end + 60),
      });
      if (said === undefined) continue;
      // "George V's" keeps its ending on the last word.
      const gap = /^'s(?!\w)/.test(result.slice(end, end + 3)) ? "" : " ";
      rewritten += `${result.slice(done, match.index)} ${said}${gap}`;
      done = end;
    }
    if (done > 0) result = rewritten + result.slice(done);
  }
  return result;
}

const LETTERS = 0xe000;

/** The names of the letters of `text`, digits by name, everything else left out. */
export function spell(text: string): string {
  return Array.from(text.toLowerCase(), (letter) => {
    if (/[a-z]/.test(letter)) return letterName(letter);
    return /\d/.test(letter) ? digitNames[Number(letter)] : "";
  })
    .filter((name) => name !== "")
    .join(" ");
}

/** In a reading from a table, capitals are names of letters: "U S dollars". */
export function spellCapitals(reading: string): string {
  return reading.replace(/\b[A-Z]\b/g, (letter) => letterName(letter));
}

const digitNames = "zero one two three four five six seven eight nine".split(" ");

/** The mark that stands for the name of a letter while rules run. */
export function letterName(letter: string): string {
  return String.fromCharCode(LETTERS + letter.toLowerCase().charCodeAt(0));
}

export const LETTER_MARKS = /[\ue061-\ue07a]/g;

/** What a mark is written as in the result: the letter in upper case. */
export function writtenLetter(mark: string): string {
  return String.fromCharCode(mark.charCodeAt(0) - LETTERS).toUpperCase();
}

/** Singular for exactly one, and before a noun ("a 5 km run", "a $5 bill"). */
export function isSingular(amount: string, { before, after }: Found): boolean {
  return /^1(\.0+)?$/.test(amount) || (/(^|[^\p{L}])an?\s+$/iu.test(before) && /^[\s-]*[a-z]{3}/.test(after));
}
