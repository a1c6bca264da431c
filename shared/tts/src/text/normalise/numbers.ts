/** Roman numerals, ordinals, fractions, ranges and plain numbers; words with figures in them. */
import { table } from "../table.ts";
import { sayMixed } from "./letters.ts";
import {
  cardinal,
  decimal,
  digits,
  fraction,
  NUMBER,
  ordinal,
  pairs,
  plural,
  romanValue,
  signed,
} from "./number-words.ts";
import { letterName, type Rule, rule } from "./rule.ts";

/** Before a Roman numeral that is counted, not ranked: "Chapter IV" is "chapter four". */
const counted =
  "[Cc]hapter|[Pp]art|[Vv]olume|Book|Act|Scene|[Ss]ection|Article|Appendix|[Ff]igure|Table|Title|[Pp]hase|[Ss]tage|[Tt]ype|Class|Grade|Level|Tier|Mark|War|Episode|Season|Round|Super Bowl|Bowl|Apollo|Division|Annex|Group|Factor|Schedule|Step|Game|Lesson|Unit";
/** Names that rulers and popes share. */
const rulers =
  "Henry|Elizabeth|Louis|George|Edward|Charles|James|William|Richard|John|Paul|Benedict|Pius|Francis|Philip|Ferdinand|Frederick|Napoleon|Nicholas|Alexander|Catherine|Peter|Ivan|Mary|Christian|Leo|Innocent|Urban|Gregory|Clement|Ramses|Ramesses|Wilhelm|Friedrich|Carlos|Gustaf|Gustav|Harald|Haakon|Margrethe|Albert|Leopold|Otto|Malcolm|Robert|David|Ptolemy|Mehmed|Murad|Selim|Stephen|Sigismund|Rama|Juan|Boniface|Julius|Sixtus|Julian|Justinian|Constantine|Theodosius|Umberto|Victor Emmanuel|Pedro|Abdullah|Hassan|Mohammed";

const ofRank = (value: number | undefined) => (value === undefined ? undefined : `the ${ordinal(value)}`);

export const numberRules: readonly Rule[] = [
  rule(new RegExp(`(?<=\\b(?:${counted})\\s{1,3})([IVXL]+)(?![\\w])`, "g"), ({ groups: [, numeral = ""] }) => {
    const value = romanValue(numeral);
    return value === undefined ? undefined : cardinal(value);
  }),
  rule(new RegExp(`(?<=\\b(?:${rulers})\\s)([IVX]{2,}|V)(?![\\w])`, "g"), ({ groups: [, numeral = ""] }) =>
    ofRank(romanValue(numeral)),
  ),
  // "Elizabeth I" alone could be the beginning of "I think": only where a verb of hers or nothing follows.
  rule(
    new RegExp(
      `(?<=\\b(?:(?:King|Queen|Pope|Emperor|Tsar|Czar|Prince)\\s[A-Z][a-z]+|${rulers})\\s)I(?=\\s(?:of|was|is|and|became|died|reigned|ruled|had|in|from)\\b|'s|[,.;:)]|$)`,
      "g",
    ),
    () => "the first",
  ),
  rule(
    /(?<=\b(?:King|Queen|Pope|Emperor|Tsar|Czar|Prince)\s[A-Z][a-z]+\s)([IVX]+)(?![\w])/g,
    ({ groups: [, numeral = ""] }) => ofRank(romanValue(numeral)),
  ),
  rule(/\b([IVX]+)(?:th)?(?=\s(?:century|centuries|dynasty)\b)/g, ({ groups: [, numeral = ""] }) => {
    const value = romanValue(numeral);
    return value === undefined ? undefined : ordinal(value);
  }),
  rule(
    /(?<=\b[A-Z][a-z]+\s)(III?|IV|VI{1,3}|IX|XI{1,3}|XIV|XVI{0,3}|XIX)(?![\w.])/g,
    ({ groups: [, numeral = ""] }) => {
      const value = romanValue(numeral);
      return value === undefined ? undefined : cardinal(value);
    },
  ),

  rule(/(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)\^?(?:st|nd|rd|th)(?![A-Za-z])/gi, ({ groups: [, value = ""] }) =>
    ordinal(value.replaceAll(",", "")),
  ),

  rule(/(?<![\w./])24\/7(?![\w/])/g, () => "twenty four seven"),
  rule(/(?<![\w./])9\/11(?![\w/])/g, () => "nine eleven"),
  rule(
    /(?<![\w./,])(-?)(\d{1,4})\s(\d{1,2})\/(\d{1,3})(?![\w/]|[.,]\d)/g,
    ({ groups: [, sign, whole = "", above = "", below = ""] }) =>
      below === "0" || below === "1"
        ? undefined
        : `${sign === "-" ? "minus " : ""}${cardinal(whole)} and ${above === "1" ? fraction("1", below).replace(/^one (?=half|quarter)/, "a ") : fraction(above, below)}`,
  ),
  rule(/(?<![\w./,])(-?)(\d{1,3})\/(\d{1,3})(?![\w/]|[.,]\d)/g, ({ groups: [, sign, above = "", below = ""] }) => {
    const value = Number(below);
    // Small ones are parts of a whole, others "ninety over sixty".
    if (value < 2 || value > 100 || (Number(above) >= value && value > 10) || above.startsWith("0"))
      return `${cardinal(above)} over ${cardinal(below)}`;
    return `${sign === "-" ? "minus " : ""}${fraction(above, below)}`;
  }),

  rule(
    /(?<=\b(?:room|flight|route|highway|interstate|suite|apartment|apt\.?|bus|boeing|airbus|channel|area)\s)([1-9]\d{2,3})(?![\w]|[.,-]\d)/gi,
    ({ groups: [, value = ""] }) => pairs(value),
  ),

  // 10–15, 3.5-4
  rule(
    new RegExp(`(?<![\\w.,])(-?(?:${NUMBER}))(?:[-\u2013]|\\s\u2013\\s)(${NUMBER})(?![\\w]|[-\u2013]\\d)`, "g"),
    ({ groups: [, from = "", to = ""] }) => `${signed(from)} to ${decimal(to)}`,
  ),
  rule(
    /(?<![\w.,:])(\d{1,3}):(\d{1,3})(?![\w:]|[.,]\d)/g,
    ({ groups: [, left = "", right = ""] }) => `${cardinal(left)} to ${cardinal(right)}`,
  ),
  // 1920×1080, 4x4, 3x faster
  rule(
    /(?<![\w.,])(\d+(?:\.\d+)?)\s?[x×]\s?(?=\d)/g,
    ({ groups: [, left = ""], after }) =>
      `${left.includes(".") ? decimal(left) : pairs(left)} ${/^\d+\s?[=^]|^\d+\^/.test(after) ? "times" : "by"}`,
  ),
  rule(/(?<=\bby\s{1,3})(\d{3,4})(?![\w.,])/g, ({ groups: [, right = ""] }) => pairs(right)),
  rule(/(?<![\w.,])(\d+(?:\.\d+)?)[x×](?![\w])/g, ({ groups: [, left = ""] }) => `${decimal(left)} times`),
  rule(/(?<=\d)\s-\s(?=[\d.]+\s?=)/g, () => "minus"),
  rule(/\^2(?!\d)/g, () => "squared"),
  rule(/\^3(?!\d)/g, () => "cubed"),
  rule(
    /\^(-?)(\d+)/g,
    ({ groups: [, sign, power = ""] }) => `to the power of ${sign === "-" ? "minus " : ""}${cardinal(power)}`,
  ),
  rule(
    /(?<![\w.])(\d+(?:\.\d+)?)e([+-]?)(\d{1,3})(?!\w)/gi,
    ({ groups: [, value = "", sign, power = ""] }) =>
      `${decimal(value)} times ten to the power of ${sign === "-" ? "minus " : ""}${cardinal(power)}`,
  ),

  // 10k users, 5M, 2.5bn
  rule(
    /(?<![\w.,])(\d+(?:\.\d+)?)(k|m|bn|mn|M)(?![\w])/g,
    ({ groups: [, value = "", size = ""] }) =>
      `${decimal(value)} ${size === "k" ? "thousand" : size === "bn" ? "billion" : "million"}`,
  ),
  rule(
    /(?<![\w.,])(\d+\.\d+)(K|B|T)(?![\w])/g,
    ({ groups: [, value = "", size = ""] }) =>
      `${decimal(value)} ${size === "K" ? "thousand" : size === "B" ? "billion" : "trillion"}`,
  ),
  // H.264
  rule(
    /\b([A-Z])\.(\d{2,4})(?![\w.])/g,
    ({ groups: [, letter = "", value = ""] }) => `${letterName(letter)} ${pairs(value)}`,
  ),
  // C3PO, B2B, MP3, x86, 3D, COVID-19, F-16: figures and letters with nothing between them, or a hyphen.
  rule(
    /(?<![\w.,])(?=[A-Za-z\d]*[A-Za-z])(?=[A-Za-z\d]*\d)([A-Za-z\d]+)('s)?(?![\w])/g,
    ({ groups: [, word = "", ending = ""] }) => {
      if (/^\d+s$/.test(word)) return plural(cardinal(word.slice(0, -1)));
      return `${sayMixed(word)}${ending}`;
    },
  ),
  rule(/(?<=[A-Za-z\ue061-\ue07a])-(\d{1,4})(?![\w.,]*\d)/g, ({ groups: [, value = ""] }) => pairs(value)),

  rule(
    /(?<![\w.,)])(?:-|\u00b1|\+\/-|~|\u2248|\+|#|<=|>=|\u2264|\u2265|<|>)\s?(?=\.?\d)/g,
    ({ groups: [match = ""] }) => prefixes[match.trim()],
  ),
  rule(new RegExp(`(?<![\\w.])(?:${NUMBER})(?![\\d])`, "g"), ({ groups: [value = ""] }) => decimal(value)),
  // What is left is glued to letters or points.
  rule(/\d+/g, ({ groups: [value = ""] }) => (value.length > 4 ? digits(value) : cardinal(value))),
];

const prefixes = table<string>({
  "-": "minus",
  "\u00b1": "plus or minus",
  "+/-": "plus or minus",
  "~": "about",
  "\u2248": "about",
  "+": "plus",
  "#": "number",
  "<": "less than",
  ">": "more than",
  "<=": "at most",
  ">=": "at least",
  "\u2264": "at most",
  "\u2265": "at least",
});
