/** Written text as the words that a speaker would say: for phrase lists and hotwords. */

const ones = [
  ..."zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(" "),
  ..."sixteen seventeen eighteen nineteen".split(" "),
];
const tens = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const scales = ["", "thousand", "million", "billion"];
const symbols: Readonly<Record<string, string>> = { "&": " and ", "%": " percent ", "@": " at ", "+": " plus " };

/**
 * Lower-case words of the given letters; digits are read as English numbers, accents are dropped.
 * Undefined when a letter remains that the model cannot spell, or nothing at all.
 */
export function toSpokenWords(text: string, alphabet: ReadonlySet<string>): string[] | undefined {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .toLowerCase()
    .replace(/[&%@+]/g, (symbol) => symbols[symbol] ?? " ")
    .replace(/(\d),(?=\d{3})/g, "$1")
    .replace(/\d+(\.\d+)?/g, (number) => ` ${readNumber(number)} `)
    .replace(/[^\p{L}']+/gu, " ");
  const words = plain
    .split(" ")
    .map((word) => word.replace(/^'+|'+$/g, ""))
    .filter((word) => word !== "");
  const spellable = words.every((word) => Array.from(word).every((letter) => alphabet.has(letter)));
  return spellable && words.length > 0 ? words : undefined;
}

function readNumber(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const digits = (part: string) => Array.from(part, (digit) => ones[Number(digit)]).join(" ");
  // Numbers that begin with 0, and very long ones, are said digit by digit.
  const read =
    (whole.startsWith("0") && whole.length > 1) || whole.length > 12 ? digits(whole) : readWhole(Number(whole));
  return fraction === undefined ? read : `${read} point ${digits(fraction)}`;
}

function readWhole(value: number): string {
  if (value === 0) return "zero";
  const parts: string[] = [];
  for (let rest = value, scale = 0; rest > 0; rest = Math.floor(rest / 1000), scale++) {
    if (rest % 1000 > 0) parts.unshift(`${readHundreds(rest % 1000)} ${scales[scale] ?? ""}`.trim());
  }
  return parts.join(" ");
}

function readHundreds(value: number): string {
  const hundreds = value >= 100 ? `${ones[Math.floor(value / 100)] ?? ""} hundred` : "";
  const rest = value % 100;
  const unit = rest % 10 === 0 ? "" : (ones[rest % 10] ?? "");
  const small = rest < 20 ? (rest === 0 ? "" : (ones[rest] ?? "")) : `${tens[Math.floor(rest / 10)] ?? ""} ${unit}`;
  return `${hundreds} ${small}`.trim();
}
