/** Money: signs and codes of currencies, magnitudes, hundredths. */
import { table } from "../table.ts";
import { cardinal, decimal, minus, NUMBER } from "./number-words.ts";
import { type Found, isSingular, type Rule, rule, spellCapitals } from "./rule.ts";

/** Singular, plural, and the hundredth of it. */
type Currency = readonly [one: string, many: string, cent?: string, cents?: string];

const dollar: Currency = ["dollar", "dollars", "cent", "cents"];
const signs = table<Currency>({
  $: dollar,
  "£": ["pound", "pounds", "penny", "pence"],
  "€": ["euro", "euros", "cent", "cents"],
  "¥": ["yen", "yen"],
  "₹": ["rupee", "rupees", "paisa", "paise"],
  "₩": ["won", "won"],
  "₽": ["ruble", "rubles", "kopeck", "kopecks"],
  "₺": ["lira", "lira"],
  "₿": ["bitcoin", "bitcoins"],
});
const named = (name: string): Currency => [`${name} dollar`, `${name} dollars`, "cent", "cents"];
const codes = table<Currency>({
  USD: ["U S dollar", "U S dollars", "cent", "cents"],
  US$: ["U S dollar", "U S dollars", "cent", "cents"],
  CAD: named("canadian"),
  C$: named("canadian"),
  AUD: named("australian"),
  A$: named("australian"),
  NZD: ["new zealand dollar", "new zealand dollars", "cent", "cents"],
  HK$: ["hong kong dollar", "hong kong dollars", "cent", "cents"],
  EUR: ["euro", "euros", "cent", "cents"],
  GBP: ["pound", "pounds", "penny", "pence"],
  JPY: ["yen", "yen"],
  CNY: ["yuan", "yuan"],
  RMB: ["yuan", "yuan"],
  INR: ["rupee", "rupees"],
  CHF: ["swiss franc", "swiss francs", "centime", "centimes"],
  SEK: ["swedish krona", "swedish kronor"],
  NOK: ["norwegian krone", "norwegian kroner"],
  DKK: ["danish krone", "danish kroner"],
});
const magnitudes = table<string>({
  k: "thousand",
  m: "million",
  mn: "million",
  mm: "million",
  mio: "million",
  b: "billion",
  bn: "billion",
  t: "trillion",
  tn: "trillion",
  trn: "trillion",
});
const magnitude = String.raw`(?:\s?(thousand|million|billion|trillion|quadrillion|[kK]|[mM](?:n|m|io)?|[bB]n?|[tT]r?n|T)(?![\w]))?`;

const currencyOf = (code: string) => signs[code] ?? codes[code.toUpperCase()];
const sayMagnitude = (text: string) => (text === "" ? "" : ` ${magnitudes[text.toLowerCase()] ?? text.toLowerCase()}`);

function money(amount: string, size: string, currency: Currency, found: Found): string {
  const [one, many, cent, cents] = currency.map((name) => spellCapitals(name ?? ""));
  if (size !== "") {
    return `${decimal(amount)}${sayMagnitude(size)} ${isSingular("0", found) ? one : many}`;
  }
  const [whole = "", hundredths = ""] = amount.replaceAll(",", "").split(".");
  if (hundredths.length !== 2 || cent === undefined || cents === undefined) {
    return `${decimal(amount)} ${isSingular(amount, found) ? one : many}`;
  }
  const small = hundredths === "00" ? "" : `${cardinal(Number(hundredths))} ${hundredths === "01" ? cent : cents}`;
  if (Number(whole) === 0 && small !== "") return small;
  const large = `${cardinal(whole === "" ? 0 : whole)} ${isSingular(whole, found) ? one : many}`;
  return small === "" ? large : `${large} and ${small}`;
}

const sign = "US\\$|HK\\$|[CA]\\$|[$£€¥₹₩₽₺₿]";
const code = "USD|CAD|AUD|NZD|EUR|GBP|JPY|CNY|RMB|INR|CHF|SEK|NOK|DKK";

export const moneyRules: readonly Rule[] = [
  // $5–10, $5-$10 million
  rule(
    new RegExp(
      `(${sign})\\s?(${NUMBER})${magnitude}\\s?[-\u2013]\\s?(?:${sign})?(${NUMBER})${magnitude}(?![\\w])`,
      "g",
    ),
    (found) => {
      const [, currency = "", from = "", fromSize = "", to = "", toSize = ""] = found.groups;
      const known = currencyOf(currency);
      return known && `${decimal(from)}${sayMagnitude(fromSize)} to ${money(to, toSize, known, found)}`;
    },
  ),
  rule(
    new RegExp(`(-?)(?<![\\w])(?:(${sign})\\s?|(?:\\b(${code})\\s?))(-?)(${NUMBER})${magnitude}(?![\\d])`, "g"),
    (found) => {
      const [, outer = "", currency = "", name = "", inner = "", amount = "", size = ""] = found.groups;
      const known = currencyOf(currency || name);
      // "5-$10" is a range, which the minus is not.
      return known && `${minus(outer || inner)}${money(amount, size, known, found)}`;
    },
  ),
  rule(
    new RegExp(`(?<![\\w.,])(-?)(${NUMBER}|\\d+,\\d{1,2})${magnitude}\\s?(?:(${sign})|(${code})\\b)`, "g"),
    (found) => {
      const [, negative = "", amount = "", size = "", currency = "", name = ""] = found.groups;
      const known = currencyOf(currency || name);
      return known && `${minus(negative)}${money(amount.replace(/,(?=\d{1,2}$)/, "."), size, known, found)}`;
    },
  ),
  rule(
    new RegExp(`(?<![\\w.,])(${NUMBER})\\s?¢`, "g"),
    (found) => `${decimal(found.groups[1] ?? "")} ${isSingular(found.groups[1] ?? "", found) ? "cent" : "cents"}`,
  ),
  rule(/[$£€¥₹₩₽₺₿]/g, ({ groups: [match = ""] }) => signs[match]?.[0]),
];
