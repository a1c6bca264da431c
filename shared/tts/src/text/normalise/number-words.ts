/** Numbers as an American says them: "one hundred twenty three", no "and", no hyphens. */
import { table } from "../table.ts";

const small = [
  ..."zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(" "),
  ..."sixteen seventeen eighteen nineteen".split(" "),
];
const tens = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const scales = ["", "thousand", "million", "billion", "trillion", "quadrillion"];
const irregular = table<string>({
  one: "first",
  two: "second",
  three: "third",
  five: "fifth",
  eight: "eighth",
  nine: "ninth",
  twelve: "twelfth",
});

/** "012" → "zero one two". */
export function digits(text: string): string {
  return Array.from(text.replace(/\D/g, ""), (digit) => small[Number(digit)]).join(" ");
}

/** A whole number, with or without commas; digit by digit when it begins with 0 or has more than 18 digits. */
export function cardinal(text: string | number): string {
  const plain = String(text).replaceAll(",", "");
  if (/^0+$/.test(plain)) return plain.length === 1 ? "zero" : digits(plain);
  if (plain.startsWith("0") || plain.length > 18) return digits(plain);
  const groups: string[] = [];
  for (let end = plain.length, scale = 0; end > 0; end -= 3, scale++) {
    const value = Number(plain.slice(Math.max(0, end - 3), end));
    if (value > 0) groups.unshift(`${hundreds(value)} ${scales[scale] ?? ""}`.trim());
  }
  return groups.join(" ");
}

function hundreds(value: number): string {
  const rest = value % 100;
  const head = value >= 100 ? `${small[Math.floor(value / 100)] ?? ""} hundred` : "";
  if (rest === 0) return head;
  const unit = rest % 10 === 0 ? "" : (small[rest % 10] ?? "");
  const tail = rest < 20 ? (small[rest] ?? "") : `${tens[Math.floor(rest / 10)] ?? ""} ${unit}`;
  return `${head} ${tail}`.trim();
}

/** "21" → "twenty first". */
export function ordinal(text: string | number): string {
  const words = cardinal(text).split(" ");
  const last = words.pop() ?? "";
  const said = irregular[last] ?? (last.endsWith("y") ? `${last.slice(0, -1)}ieth` : `${last}th`);
  return [...words, said].join(" ");
}

/** "1,234.05" → "one thousand two hundred thirty four point zero five"; ".5" → "point five". */
export function decimal(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const head = whole === "" ? "" : cardinal(whole);
  return fraction === undefined || fraction === "" ? head : `${head} point ${digits(fraction)}`.trim();
}

/** The pattern of a number as people write it, for use inside a group. */
export const NUMBER = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+`;

/** "minus " for a sign, "" for none. */
export const minus = (sign: string) => (sign === "" ? "" : "minus ");

/** A decimal that may begin with a hyphen. */
export function signed(amount: string): string {
  return amount.startsWith("-") ? `minus ${decimal(amount.slice(1))}` : decimal(amount);
}

/** A year: "1984" → "nineteen eighty four", "1905" → "nineteen oh five", "2005" → "two thousand five". */
export function year(text: string | number): string {
  const plain = String(text);
  const value = Number(plain);
  if (plain.length !== 4 || value % 1000 < 10) return cardinal(plain);
  return pairs(plain);
}

/** Room, flight and model numbers: "101" → "one oh one", "747" → "seven forty seven", "1080" → "ten eighty". */
export function pairs(text: string): string {
  const value = Number(text);
  if (text.startsWith("0") || text.length < 3 || text.length > 4 || value % 1000 === 0) return cardinal(text);
  const head = cardinal(text.slice(0, -2));
  const tail = value % 100;
  if (tail === 0) return `${head} hundred`;
  return tail < 10 ? `${head} oh ${cardinal(tail)}` : `${head} ${cardinal(tail)}`;
}

/** "five" → "fives", "twenty" → "twenties", "half" → "halves": for decades and fractions. */
export function plural(words: string): string {
  if (words.endsWith("half")) return `${words.slice(0, -1)}ves`;
  return words.endsWith("y") ? `${words.slice(0, -1)}ies` : words.endsWith("x") ? `${words}es` : `${words}s`;
}

/** "3", "4" → "three quarters". */
export function fraction(numerator: string, denominator: string): string {
  const below = denominator === "2" ? "half" : denominator === "4" ? "quarter" : ordinal(denominator);
  return `${cardinal(numerator)} ${numerator === "1" ? below : plural(below)}`;
}

const numerals: readonly (readonly [string, number])[] = [
  ["x", 10],
  ["ix", 9],
  ["v", 5],
  ["iv", 4],
  ["i", 1],
];

/** The value of a well-formed Roman numeral up to 89 (L, X, V, I); undefined for anything else. */
export function romanValue(text: string): number | undefined {
  const match = /^(XL|L?X{0,3})(IX|IV|V?I{0,3})$/.exec(text);
  if (match === null || text === "") return undefined;
  let rest = text.toLowerCase();
  let value = 0;
  if (rest.startsWith("xl")) {
    value = 40;
    rest = rest.slice(2);
  } else if (rest.startsWith("l")) {
    value = 50;
    rest = rest.slice(1);
  }
  for (const [numeral, worth] of numerals) {
    while (rest.startsWith(numeral)) {
      value += worth;
      rest = rest.slice(numeral.length);
    }
  }
  return value;
}
