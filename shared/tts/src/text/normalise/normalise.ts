/** From written English to the words that a speaker says, with the pauses that punctuation asks for. */
import { clean } from "./clean.ts";
import { electronicRules } from "./electronic.ts";
import { isPronounceable, isShouted, sayWord } from "./letters.ts";
import { measureRules } from "./measures.ts";
import { moneyRules } from "./money.ts";
import { numberRules } from "./numbers.ts";
import { applyRules, LETTER_MARKS, letterName, type Rule, writtenLetter } from "./rule.ts";
import { numberedRules, shortFormRules, signRules } from "./short-forms.ts";
import { telephoneRules, timeRules } from "./times.ts";

/** What reads more of a form comes before what reads less: a date before its numbers, money before decimals. */
const rules: readonly Rule[] = [
  ...electronicRules,
  ...numberedRules,
  ...telephoneRules,
  ...timeRules,
  ...moneyRules,
  ...measureRules,
  ...shortFormRules,
  ...numberRules,
  ...signRules,
];

/**
 * Tokens parted by single blanks: words of a–z and apostrophe in lower case; one letter in upper case for the name of that letter
 * ("HTML" → "H T M L", "CEOs" → "C E O's"); and four marks of pause, `,` `.` `?` `!`, never first and never two in a row. Empty when nothing
 * can be said. Words of other scripts are read in Latin letters: whether too much of a text is foreign, `scriptProblem` tells.
 */
export function normalise(text: string): string {
  const said = applyRules(calm(clean(text)), rules);
  return joinMarks(words(marks(said))).join(" ");
}

/** Runs of words in capitals are shouted, not spelled, when enough of them are everyday words. */
function calm(text: string): string {
  return text.replace(/\b[A-Z]+(?:'[A-Z]+)?(?:[\s,;:.!?"-]+[A-Z]+(?:'[A-Z]+)?\b){2,}(?![a-z])/g, (run) => {
    if (!isShouted(run.match(/[A-Z']+/g) ?? [])) return run;
    return run.replace(/\b[A-Z]{2,}(?:'[A-Z]+)?\b/g, (word) => (isSpelledOut(word) ? word : word.toLowerCase()));
  });
}

/** What is spelled even where all is in capitals. */
const isSpelledOut = (word: string) =>
  /^(?:USA|UK|EU|UN|AI|CEO|CIA)$/.test(word) || (word.length <= 4 && !/'/.test(word) && !isPronounceable(word));

/** Punctuation as pauses; what is no pause is a blank. */
function marks(text: string): string {
  return (
    text
      .replace(/\.{2,}(?=["')\]]*\s*$)/g, " . ")
      .replace(/\.{2,}/g, " , ")
      .replace(/[!?]+/g, (run) => (run.includes("?") ? " ? " : " ! "))
      // A hyphen between words is a blank, one with blanks around it a dash; so is what encloses words.
      .replace(/(?<=\w)-(?=\w)/g, " \ue000 ")
      .replace(/\s-+\s|--+|[\u2013\u2014;:()[\]{}•|]/g, " , ")
      .replace(/,/g, " , ")
      .replace(/\.(?=["')\]\s]|$)/g, " . ")
      .replace(/[^A-Za-z',.?!\ue000\ue061-\ue07a]/g, " ")
  );
}

const isMark = (token: string) => /^[,.?!]$/.test(token);

/** Words after which a lone "A" is the letter. */
const lettered =
  /^(?:vitamin|plan|grade|class|type|group|team|option|section|part|letter|point|exhibit|appendix|hepatitis|schedule|side|level|an|big|straight)$/i;

function words(text: string): string[] {
  const raw = text.split(/\s+/).filter((token) => token !== "");
  const tokens: string[] = [];
  for (const [index, token] of raw.entries()) {
    if (isMark(token)) {
      tokens.push(token);
      continue;
    }
    for (const part of token.split(/[.,?!]+/)) {
      const word = part.replace(/^'+/, "").replace(/(?<!s)'+$/, "");
      if (word === "" || word === "\ue000") continue;
      tokens.push(...say(word, raw[index - 1] ?? "", raw[index + 1] ?? "").split(" "));
    }
  }
  return tokens.map((token) => token.replace(LETTER_MARKS, writtenLetter).replace(/'+$/, ""));
}

function say(word: string, before: string, after: string): string {
  if (/^[\ue061-\ue07a]('s)?$/.test(word)) return word;
  // A rule's letters next to letters of the text: "XL" after "2" was read by sayMixed, so this is rare.
  if (/[\ue061-\ue07a]/.test(word))
    return word
      .replace(LETTER_MARKS, (mark) => ` ${mark} `)
      .trim()
      .replace(/\s+/g, " ");
  if (/^[A-Za-z]$/.test(word)) {
    const hyphened = before === "\ue000" || after === "\ue000";
    if (word === "a" && !hyphened && !/^(?:plus|minus|equals|times|squared|over)$/.test(after)) return word;
    if (word === "A" && !hyphened && !lettered.test(before) && !/^[,.?!]?$/.test(after)) return "a";
    if (/^i$/i.test(word) && !hyphened) return "i";
    return letterName(word);
  }
  return sayWord(word);
}

const strength = ",.!?";

/** Marks in a row become the strongest of them; none before the first word. */
function joinMarks(tokens: readonly string[]): string[] {
  const joined: string[] = [];
  for (const token of tokens) {
    const last = joined.at(-1);
    if (!isMark(token)) joined.push(token);
    else if (last === undefined) continue;
    else if (!isMark(last)) joined.push(token);
    else if (strength.indexOf(token) > strength.indexOf(last)) joined[joined.length - 1] = token;
  }
  return joined.some((token) => !isMark(token)) ? joined : [];
}
