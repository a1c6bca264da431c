/** Numbers with a unit, temperatures and percentages. */
import { table } from "../table.ts";
import { cardinal, decimal, minus, NUMBER, signed } from "./number-words.ts";
import { type Found, isSingular, type Rule, rule, spellCapitals } from "./rule.ts";
import { units } from "./units.ts";

/** The same for one and for many. */
const invariant = /hertz$|horsepower$|^[A-Z ]+$/;
const irregular = table<string>({ foot: "feet", inch: "inches" });

const escaped = Object.keys(units)
  .sort((a, b) => b.length - a.length)
  .map((unit) => unit.replace(".", "\\."))
  .join("|");
const lengths = "km|m|cm|mm|um|nm|mi|yd|ft|in\\.|px|['\u2032\"\u2033]";
const unit = `(?:(sq\\.?|square|cu\\.?|cubic)\\s?)?(${escaped})(?:\\^([23]))?(?:\\s?/\\s?(${escaped}|hour|day|week|month|year|minute|second)(\\^2)?)?(?![\\w$]|'s)(?:\\.(?=\\s[a-z]))?`;

const many = (unit: string) => {
  const [head = unit, ...rest] = unit.split(" ");
  // "kilowatt hours", "miles per hour", "degrees celsius".
  if (rest.length === 1 && rest[0] === "hour") return `${head} hours`;
  return [irregular[head] ?? `${head}s`, ...rest].join(" ");
};

function sayUnit(unit: string, singular: boolean): string {
  const name = units[unit] ?? unit;
  if (invariant.test(name)) return spellCapitals(name);
  return singular ? name : many(name);
}

function measure(amount: string, parts: readonly string[], found: Found): string {
  const [shape = "", unit = "", power = "", per = "", squared = ""] = parts;
  const form = power === "2" || /^sq/.test(shape) ? "square " : power === "3" || /^cu/.test(shape) ? "cubic " : "";
  const over = per === "" ? "" : ` per ${sayUnit(per, true)}${squared === "" ? "" : " squared"}`;
  return `${amount} ${form}${sayUnit(unit, isSingular(found.groups[2] ?? "", found))}${over}`;
}

export const measureRules: readonly Rule[] = [
  // 10 cm x 20 cm, 5' × 7', 12 x 14 ft; 3 x 5 kg. Before the units are read, which tell a sign from a letter.
  ...(
    [
      [lengths, "by"],
      [escaped, "times"],
    ] as const
  ).flatMap(([unit, sign]) => [
    rule(new RegExp(`(?<=\\d\\s?(?:${unit}))\\s?[x\u00d7]\\s?(?=\\.?\\d)`, "g"), () => sign),
    rule(new RegExp(`(?<=\\d\\s?)[x\u00d7]\\s?(?=(?:${NUMBER})\\s?(?:${unit})(?![\\w]))`, "g"), () => sign),
  ]),
  // 5'10"
  rule(
    /(?<![\w.])(\d{1,2})['′]\s?(\d{1,2})(?:["″]|'')/g,
    ({ groups: [, feet = "", inches = ""] }) =>
      `${cardinal(feet)} ${feet === "1" ? "foot" : "feet"} ${cardinal(inches)} ${inches === "1" ? "inch" : "inches"}`,
  ),
  // 5-10%, 3–5 km, 20-25 °C
  rule(
    new RegExp(`(?<![\\w.])(-?(?:${NUMBER}))\\s?(?:[-\u2013]|\\bto\\b)\\s?(${NUMBER})\\s?${unit}`, "g"),
    (found) =>
      `${signed(found.groups[1] ?? "")} to ${measure(decimal(found.groups[2] ?? ""), found.groups.slice(3), found)}`,
  ),
  rule(new RegExp(`(?<![\\w.])(-?)(${NUMBER})(?:\\s|-)?${unit}`, "g"), (found) => {
    const [match = "", negative = "", amount = ""] = found.groups;
    // "in." ends a sentence more often than it is an inch, and "5 m" of money has been said already.
    if (/\d\s?in\.$/.test(match) && /^\s*$/.test(found.after) && !/\bby\s*$/.test(found.before)) return undefined;
    return `${minus(negative)}${measure(decimal(amount), found.groups.slice(3), found)}`;
  }),
  rule(
    new RegExp(`(?<![\\w.])(-?(?:${NUMBER}))\\s?%?\\s?[-\u2013]\\s?(${NUMBER})\\s?%`, "g"),
    ({ groups: [, from = "", to = ""] }) => `${signed(from)} to ${decimal(to)} percent`,
  ),
  rule(
    new RegExp(`(?<![\\w.])([-+]?)(${NUMBER})\\s?%`, "g"),
    ({ groups: [, negative = "", amount = ""] }) =>
      `${negative === "+" ? "plus " : minus(negative)}${decimal(amount)} percent`,
  ),
  // $20/hr, 3 meals/day
  rule(
    /\s?\/\s?(hour|hr|day|week|wk|month|mo|year|yr|night|person|kg|lb|gal|min|GB)\b/g,
    ({ groups: [, unit = ""] }) =>
      `per ${({ wk: "week", mo: "month" } as Readonly<Record<string, string>>)[unit] ?? units[unit] ?? unit}`,
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
