/** Abbreviations with a full stop, initials, and signs that stand for words. */
import { abbreviations } from "../cut/abbreviations.ts";
import { table } from "../table.ts";
import { type Rule, rule, spell, spellCapitals } from "./rule.ts";

const forms = [...abbreviations.keys()]
  .filter(
    (form) =>
      !/^(?:st|dr|no|nos|p|pp|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|art|min|mon|tues?|wed|thur?s?|fri|sat|co|al)$/.test(
        form,
      ),
  )
  .sort((a, b) => b.length - a.length)
  .map((form) => form.replaceAll(".", "\\.\\s?"))
  .join("|");

/** A full stop that also ends the sentence is kept: nothing follows but closing quotes. */
const stop = (after: string) => (/^\s*["')\]]*\s*$/.test(after) ? " ." : "");

const said = (form: string) => {
  const words = abbreviations.get(form.toLowerCase().replace(/\s/g, ""))?.said ?? form;
  return spellCapitals(words);
};

/** Before numbers are read: what only a number after it makes an abbreviation. */
export const numberedRules: readonly Rule[] = [
  rule(/\b(nos?|figs?|vols?|chap|ch|sec|eq|pp?|ext)\.\s?(?=\d|[IVX]+\b)/gi, ({ groups: [, form = ""] }) => said(form)),
  rule(/\b(No|Nos)\s(?=\d)/g, ({ groups: [, form = ""] }) => said(form)),
  rule(/№\s?/g, () => "number"),
  rule(/§§?\s?/g, () => "section"),
];

export const shortFormRules: readonly Rule[] = [
  // Main St. and Elm Dr. are places, St. Mary and Dr. Smith people.
  rule(
    /(?<=\b(?:[A-Z][a-z]+|(?:fir|seco|thi|[a-z]+t)(?:st|nd|rd|h)|Ave)\s+)(St|Dr|Rd|Ave|Blvd|Ln|Hwy|Pl|Sq)(\.|\b)(?=\s*(?:$|[,.;:!?)"]|\s[a-z]|\s(?:in|and|at|is|near|to)\b|(?:\s[NSEW]{1,2}\b)))/g,
    ({ groups: [, form = "", point = ""], after }) => `${streets[form] ?? form}${point === "." ? stop(after) : ""}`,
  ),
  rule(/\b(St)\.?\s(?=[A-Z])/g, () => "saint "),
  rule(/\b(Dr|Mr|Mrs|Ms|Prof)\.?\s(?=[A-Z\ue061-\ue07a])/g, ({ groups: [, form = ""] }) => said(form)),
  rule(/\bDr\./g, () => "doctor"),
  rule(new RegExp(`\\b(${forms})\\.(?![\\w])`, "gi"), ({ groups: [, form = ""], before, after }) => {
    const known = abbreviations.get(form.toLowerCase().replace(/\s/g, ""));
    // Ranks are titles only before a name: "my rep." and "the col." stay as they are.
    if (known?.place === "before" && /^[a-z]{3,4}$/.test(form) && !/^(?:approx|incl|excl|resp|viz|vs|cf)$/.test(form))
      return undefined;
    if (/^(?:e\.\s?g|i\.\s?e)$/i.test(form))
      return `${before.trim() === "" || /[,;:(—–]\s*$/.test(before) ? "" : ", "}${said(form)}`;
    return `${said(form)}${stop(after)}`;
  }),
  rule(/\b(vs|etc|approx)(?!\w)/g, ({ groups: [, form = ""] }) => said(form)),
  rule(/\bet al\./g, ({ after }) => `et al${stop(after)}`),
  rule(/(?<=\b[A-Z][\w&]*\s(?:&\s)?)Co\.(?!\w)/g, ({ after }) => `company${stop(after)}`),

  // Initials and letters with points: J. R. R. Tolkien, U.S.A., Ph.D., a.k.a.
  rule(
    /(?<![\w.])((?:[A-Za-z]{1,2}\.){2,}|(?:[A-Z]\.\s?){1,4}(?=\s?[A-Z][a-z]))('s|s)?(?![\w])/g,
    ({ groups: [, form = "", ending = ""], before, after }) => {
      // "Plan B. We" is the end of a sentence, and a lower-case pair is no abbreviation.
      if (
        /^[A-Z]\.\s?$/.test(form) &&
        /(?:\b(?:vitamin|plan|grade|class|type|group|team|option|section|part|letter|appendix|and|so did|than)\s*)$/i.test(
          before,
        )
      )
        return undefined;
      return `${spell(form)}${ending === "" ? "" : "'s"}${stop(after)}`;
    },
  ),
  rule(
    /(?<![\w.])((?:[A-Z]\.)+[A-Z])('s)?(?![\w.])/g,
    ({ groups: [, form = "", ending = ""] }) => `${spell(form)}${ending}`,
  ),
];

const streets = table<string>({
  St: "street",
  Dr: "drive",
  Rd: "road",
  Ave: "avenue",
  Blvd: "boulevard",
  Ln: "lane",
  Hwy: "highway",
  Pl: "place",
  Sq: "square",
});

export const signRules: readonly Rule[] = [
  rule(/\b([A-Z])\+\+/g, ({ groups: [, letter = ""] }) => `${spell(letter)} plus plus`),
  rule(/\b([A-G])#(?!\w)/g, ({ groups: [, letter = ""] }) => `${spell(letter)} sharp`),
  rule(/\b([A-F])\+(?!\w)/g, ({ groups: [, letter = ""] }) => `${spell(letter)} plus`),
  rule(/\b([A-F])-(?=\s|[.,;:!?)]|$)/g, ({ groups: [, letter = ""] }) => `${spell(letter)} minus`),
  rule(/\.NET\b|(?<![\w.])\.net\b/g, () => "dot net"),
  rule(/\b([a-zA-Z])\(([a-z])\)/g, ({ groups: [, one = "", other = ""] }) => `${spell(one)} of ${spell(other)}`),
  rule(/\bw\/o\b/g, () => "without"),
  rule(/\bw\/(?=\s?\w)/g, () => "with"),
  rule(/\b(and\/or)\b/gi, () => "and or"),
  rule(
    /\b(s?he|his|him|hers?|her|himself|yes|true|on|either|in)\/(her|hers|herself|s?he|him|his|no|false|off|or|out)\b/gi,
    ({ groups: [, one = "", other = ""] }) => `${one} or ${other}`,
  ),
  rule(/\bc\/o\b/g, () => "care of"),
  rule(/\b([A-Za-z]+)\s?\/\s?(?=[A-Za-z])/g, ({ groups: [, word = ""] }) => `${word} slash`),
  rule(
    /\b([A-Z]{1,3})\s?&\s?([A-Z]{1,3})(?![\w])/g,
    ({ groups: [, one = "", other = ""] }) => `${spell(one)} and ${spell(other)}`,
  ),
  rule(/\b(wi|hi)-fi\b/gi, ({ groups: [, kind = ""] }) => `${kind.toLowerCase() === "wi" ? "why" : "high"} fie`),
  rule(/'n'/g, () => "and"),
  rule(/&/g, () => "and"),
  rule(/(?<=\w)\s?\+(?=\s|$)|\+/g, () => "plus"),
  rule(/=>|->|→/g, () => ","),
  rule(/[!=]==?|≠/g, ({ groups: [match = ""] }) => (match.startsWith("=") ? "equals" : "is not")),
  rule(/=/g, () => "equals"),
  rule(/≈/g, () => "about"),
  rule(/@/g, () => "at"),
  rule(/(?<=\w\s?)[×](?=\s?\w)|(?<=(?:\w)\s)\*(?=\s\w)/g, () => "times"),
  rule(/(?<=\w\s)÷(?=\s\w)/g, () => "divided by"),
  rule(/(?<=[a-z\ue061-\ue07a]\s)<(?=\s[a-z\ue061-\ue07a])/g, () => "less than"),
  rule(/(?<=[a-z\ue061-\ue07a]\s)>(?=\s[a-z\ue061-\ue07a])/g, () => "more than"),
  rule(/©/g, () => "copyright"),
  rule(/®/g, () => "registered"),
  rule(/√/g, () => "the square root of"),
  rule(/∞/g, () => "infinity"),
  rule(/(?<=\w)\s?\/\s?(?=\w)/g, () => "slash"),
];
