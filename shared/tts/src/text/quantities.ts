/** Money, units, temperatures and percentages. */
import { cardinal, decimal } from "./number-words.ts";
import { type Found, isSingular, type Rule, rule, spell } from "./rule.ts";

/** Singular, plural, and the hundredth of it. */
type Currency = readonly [one: string, many: string, cent?: string, cents?: string];

const dollar: Currency = ["dollar", "dollars", "cent", "cents"];
const signs: Readonly<Record<string, Currency>> = {
  $: dollar,
  "£": ["pound", "pounds", "penny", "pence"],
  "€": ["euro", "euros", "cent", "cents"],
  "¥": ["yen", "yen"],
  "₹": ["rupee", "rupees", "paisa", "paise"],
  "₩": ["won", "won"],
  "₽": ["ruble", "rubles", "kopeck", "kopecks"],
  "₺": ["lira", "lira"],
  "₿": ["bitcoin", "bitcoins"],
};
const named = (name: string): Currency => [`${name} dollar`, `${name} dollars`, "cent", "cents"];
const codes: Readonly<Record<string, Currency>> = {
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
};
const magnitudes: Readonly<Record<string, string>> = {
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
};
const number = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+`;
const magnitude = String.raw`(?:\s?(thousand|million|billion|trillion|quadrillion|[kK]|[mM](?:n|m|io)?|[bB]n?|[tT]r?n|T)(?![\w]))?`;

const currencyOf = (code: string) => signs[code] ?? codes[code.toUpperCase()];
const sayMagnitude = (text: string) => (text === "" ? "" : ` ${magnitudes[text.toLowerCase()] ?? text.toLowerCase()}`);
/** Capitals in a name of a currency are letters. */
const letters = (name: string) => name.replace(/\b[A-Z]\b/g, (letter) => spell(letter));

function money(amount: string, size: string, currency: Currency, found: Found): string {
  const [one, many, cent, cents] = currency.map((name) => letters(name ?? ""));
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

const minus = (sign: string) => (sign === "" ? "" : "minus ");

const sign = "US\\$|HK\\$|[CA]\\$|[$£€¥₹₩₽₺₿]";
const code = "USD|CAD|AUD|NZD|EUR|GBP|JPY|CNY|RMB|INR|CHF|SEK|NOK|DKK";

export const moneyRules: readonly Rule[] = [
  // $5–10, $5-$10 million
  rule(
    new RegExp(
      `(${sign})\\s?(${number})${magnitude}\\s?[-\u2013]\\s?(?:${sign})?(${number})${magnitude}(?![\\w])`,
      "g",
    ),
    (found) => {
      const [, currency = "", from = "", fromSize = "", to = "", toSize = ""] = found.groups;
      const known = currencyOf(currency);
      return known && `${decimal(from)}${sayMagnitude(fromSize)} to ${money(to, toSize, known, found)}`;
    },
  ),
  rule(
    new RegExp(`(-?)(?<![\\w])(?:(${sign})\\s?|(?:\\b(${code})\\s?))(-?)(${number})${magnitude}(?![\\d])`, "g"),
    (found) => {
      const [, outer = "", currency = "", name = "", inner = "", amount = "", size = ""] = found.groups;
      const known = currencyOf(currency || name);
      // "5-$10" is a range, which the minus is not.
      return known && `${minus(outer || inner)}${money(amount, size, known, found)}`;
    },
  ),
  rule(
    new RegExp(`(?<![\\w.,])(-?)(${number}|\\d+,\\d{1,2})${magnitude}\\s?(?:(${sign})|(${code})\\b)`, "g"),
    (found) => {
      const [, negative = "", amount = "", size = "", currency = "", name = ""] = found.groups;
      const known = currencyOf(currency || name);
      return known && `${minus(negative)}${money(amount.replace(/,(?=\d{1,2}$)/, "."), size, known, found)}`;
    },
  ),
  rule(
    new RegExp(`(?<![\\w.,])(${number})\\s?¢`, "g"),
    (found) => `${decimal(found.groups[1] ?? "")} ${isSingular(found.groups[1] ?? "", found) ? "cent" : "cents"}`,
  ),
  rule(/[$£€¥₹₩₽₺₿]/g, ({ groups: [match = ""] }) => signs[match]?.[0]),
];

const unitTable: Readonly<Record<string, string>> = {
  km: "kilometer",
  m: "meter",
  cm: "centimeter",
  mm: "millimeter",
  um: "micrometer",
  nm: "nanometer",
  mi: "mile",
  yd: "yard",
  ft: "foot",
  "in.": "inch",
  kg: "kilogram",
  g: "gram",
  mg: "milligram",
  ug: "microgram",
  lb: "pound",
  lbs: "pound",
  oz: "ounce",
  t: "ton",
  l: "liter",
  L: "liter",
  ml: "milliliter",
  mL: "milliliter",
  ul: "microliter",
  cl: "centiliter",
  dl: "deciliter",
  gal: "gallon",
  s: "second",
  sec: "second",
  secs: "second",
  ms: "millisecond",
  us: "microsecond",
  ns: "nanosecond",
  min: "minute",
  mins: "minute",
  h: "hour",
  hr: "hour",
  hrs: "hour",
  yr: "year",
  yrs: "year",
  mph: "mile per hour",
  kph: "kilometer per hour",
  kmh: "kilometer per hour",
  fps: "frame per second",
  rpm: "revolution per minute",
  bpm: "beat per minute",
  kn: "knot",
  Hz: "hertz",
  kHz: "kilohertz",
  MHz: "megahertz",
  GHz: "gigahertz",
  THz: "terahertz",
  KB: "kilobyte",
  kB: "kilobyte",
  MB: "megabyte",
  GB: "gigabyte",
  TB: "terabyte",
  PB: "petabyte",
  KiB: "kibibyte",
  MiB: "mebibyte",
  GiB: "gibibyte",
  TiB: "tebibyte",
  Kb: "kilobit",
  Mb: "megabit",
  Gb: "gigabit",
  kbps: "kilobit per second",
  Mbps: "megabit per second",
  Gbps: "gigabit per second",
  V: "volt",
  mV: "millivolt",
  kV: "kilovolt",
  mA: "milliamp",
  W: "watt",
  kW: "kilowatt",
  MW: "megawatt",
  GW: "gigawatt",
  kWh: "kilowatt hour",
  MWh: "megawatt hour",
  mAh: "milliamp hour",
  kJ: "kilojoule",
  cal: "calorie",
  kcal: "kilocalorie",
  Pa: "pascal",
  hPa: "hectopascal",
  kPa: "kilopascal",
  MPa: "megapascal",
  psi: "P S I",
  dB: "decibel",
  ohm: "ohm",
  kohm: "kilohm",
  Mohm: "megohm",
  px: "pixel",
  dpi: "D P I",
  ppm: "part per million",
  ha: "hectare",
  mol: "mole",
  hp: "horsepower",
  cc: "C C",
  "°C": "degree celsius",
  "°F": "degree fahrenheit",
  "°": "degree",
  K: "kelvin",
};
/** Units that are one letter of the alphabet when they stand apart ("Vitamin 5 K"). */
const invariant = /hertz$|horsepower$|^kelvin$|^[A-Z ]+$/;
const irregular: Readonly<Record<string, string>> = { foot: "feet", inch: "inches" };

const escaped = Object.keys(unitTable)
  .filter((unit) => unit !== "K")
  .sort((a, b) => b.length - a.length)
  .map((unit) => unit.replace(".", "\\."))
  .join("|");
const units = `(?:(sq\\.?|square|cu\\.?|cubic)\\s?)?(${escaped})(?:\\^([23]))?(?:\\s?/\\s?(${escaped}|hour|day|week|month|year|minute|second)(\\^2)?)?(?![\\w$]|'s)(?:\\.(?=\\s[a-z]))?`;

const many = (unit: string) => {
  const [head = unit, ...rest] = unit.split(" ");
  // "kilowatt hours", "miles per hour", "degrees celsius".
  if (rest.length === 1 && rest[0] === "hour") return `${head} hours`;
  return [irregular[head] ?? `${head}s`, ...rest].join(" ");
};

function sayUnit(unit: string, singular: boolean): string {
  const name = unitTable[unit] ?? unit;
  if (invariant.test(name)) return letters(name);
  return singular ? name : many(name);
}

function measure(amount: string, parts: readonly string[], found: Found): string {
  const [shape = "", unit = "", power = "", per = "", squared = ""] = parts;
  const form = power === "2" || /^sq/.test(shape) ? "square " : power === "3" || /^cu/.test(shape) ? "cubic " : "";
  const over = per === "" ? "" : ` per ${sayUnit(per, true)}${squared === "" ? "" : " squared"}`;
  return `${amount} ${form}${sayUnit(unit, isSingular(found.groups[2] ?? "", found))}${over}`;
}

export const measureRules: readonly Rule[] = [
  // 5'10"
  rule(
    /(?<![\w.])(\d{1,2})['′]\s?(\d{1,2})(?:["″]|'')/g,
    ({ groups: [, feet = "", inches = ""] }) =>
      `${cardinal(feet)} ${feet === "1" ? "foot" : "feet"} ${cardinal(inches)} ${inches === "1" ? "inch" : "inches"}`,
  ),
  // 5-10%, 3–5 km, 20-25 °C
  rule(
    new RegExp(`(?<![\\w.])(-?(?:${number}))\\s?(?:[-\u2013]|\\bto\\b)\\s?(${number})\\s?${units}`, "g"),
    (found) =>
      `${signed(found.groups[1] ?? "")} to ${measure(decimal(found.groups[2] ?? ""), found.groups.slice(3), found)}`,
  ),
  rule(new RegExp(`(?<![\\w.])(-?)(${number})(?:\\s|-)?${units}`, "g"), (found) => {
    const [match = "", negative = "", amount = ""] = found.groups;
    // "in." ends a sentence more often than it is an inch, and "5 m" of money has been said already.
    if (/\d\s?in\.$/.test(match) && /^\s*$/.test(found.after)) return undefined;
    return `${minus(negative)}${measure(decimal(amount), found.groups.slice(3), found)}`;
  }),
  rule(
    new RegExp(`(?<![\\w.])(-?(?:${number}))\\s?%?\\s?[-\u2013]\\s?(${number})\\s?%`, "g"),
    ({ groups: [, from = "", to = ""] }) => `${signed(from)} to ${decimal(to)} percent`,
  ),
  rule(
    new RegExp(`(?<![\\w.])([-+]?)(${number})\\s?%`, "g"),
    ({ groups: [, negative = "", amount = ""] }) =>
      `${negative === "+" ? "plus " : minus(negative)}${decimal(amount)} percent`,
  ),
  // $20/hr, 3 meals/day
  rule(
    /\s?\/\s?(hour|hr|day|week|wk|month|mo|year|yr|night|person|kg|lb|gal|min|GB)\b/g,
    ({ groups: [, unit = ""] }) =>
      `per ${({ wk: "week", mo: "month" } as Readonly<Record<string, string>>)[unit] ?? unitTable[unit] ?? unit}`,
  ),
  rule(
    /\b(km|m)\/(h|s)\b/g,
    ({ groups: [, far = "", time = ""] }) => `${sayUnit(far, false)} per ${sayUnit(time, true)}`,
  ),
  rule(/‰/g, () => "per mille"),
  rule(/%/g, () => "percent"),
  rule(/°\s?([CF])(?!\w)/g, ({ groups: [, scale] }) => `degrees ${scale === "C" ? "celsius" : "fahrenheit"}`),
  rule(/°/g, () => "degrees"),
];

export function signed(amount: string): string {
  return amount.startsWith("-") ? `minus ${decimal(amount.slice(1))}` : decimal(amount);
}
