/** Dates, years and times of day. */
import { table } from "../table.ts";
import { cardinal, digits, ordinal, plural, year } from "./number-words.ts";
import { type Rule, rule, spell } from "./rule.ts";

const months = "january february march april may june july august september october november december".split(" ");
const monthNames =
  "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?";
const month = `(${monthNames}|${monthNames.toUpperCase().replaceAll("(?:", "(?:")})\\.?`;
const weekdays = table<string>({
  mon: "monday",
  tue: "tuesday",
  wed: "wednesday",
  thu: "thursday",
  fri: "friday",
  sat: "saturday",
  sun: "sunday",
});
const weekday = "(Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)";

const sayMonth = (name: string) => months.find((full) => full.startsWith(name.slice(0, 3).toLowerCase())) ?? name;
const sayWeekday = (name: string) => weekdays[name.slice(0, 3).toLowerCase()] ?? name;
const monthOf = (number: string) => months[Number(number) - 1];
const isDay = (text: string) => Number(text) >= 1 && Number(text) <= 31;

/** "26" of 11/21/26; whole years as years. */
function sayYear(text: string): string {
  if (text === "") return "";
  if (text.length === 4) return ` ${year(text)}`;
  return text.startsWith("0") ? ` oh ${cardinal(text.slice(1))}` : ` ${cardinal(text)}`;
}

function monthDay(monthNumber: string, day: string, yearText: string): string | undefined {
  const name = monthOf(monthNumber);
  return name === undefined || !isDay(day) ? undefined : `${name} ${ordinal(Number(day))}${sayYear(yearText)}`;
}

/** "2024-11"; a season is "2024-25". */
function isoMonth(years: string, sign: string | undefined, number: string): string | undefined {
  const name = monthOf(number);
  return sign === "-" && name !== undefined ? `${name} ${year(years)}` : undefined;
}

const half = String.raw`([ap])\.?\s?m(?:\b\.?|(?=\W|$))`;
const sayHalf = (letter: string) => (letter === "" ? "" : ` ${spell(`${letter}m`)}`);

/** The full stop of "p.m." ends a sentence only where nothing follows or a new one starts. */
function stop(match: string, after: string): string {
  return match.endsWith(".") && /^\s*(?:$|["')\]]*\s+["'(]*[A-Z])/.test(after) ? " ." : "";
}

/** "15:30" → "fifteen thirty", "9:05" → "nine oh five", "7:00" → "seven o'clock", "13:00" → "thirteen hundred". */
function sayClock(hour: string, minute: string, halfOfDay: string): string {
  const hours = cardinal(Number(hour));
  if (minute === "00" || minute === "") {
    if (halfOfDay !== "") return hours;
    return Number(hour) === 0 || Number(hour) > 12 ? `${hours} hundred` : `${hours} o'clock`;
  }
  return `${hours} ${minute.startsWith("0") ? `oh ${cardinal(Number(minute))}` : cardinal(minute)}`;
}

const seconds = (text: string) =>
  Number(text) === 0 ? "" : ` and ${cardinal(Number(text))} second${Number(text) === 1 ? "" : "s"}`;

export const timeRules: readonly Rule[] = [
  // 2026-11-21, with T15:30:00Z behind it or not.
  rule(
    /(?<![\w.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ](?=\d{2}:)(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z)?)?(?![\w]|[-/]\d)/g,
    ({ groups: [, years = "", , months = "", days = "", time = "", zulu = ""] }) => {
      const day = monthDay(months, days, years);
      if (day === undefined) return undefined;
      return `${day}${time === "" ? "" : ` , ${time}`}${zulu === "" ? "" : ` ${spell("utc")}`}`;
    },
  ),
  // 11/21/2026 and 21/11/2026: the month is first where it can be. 21.11.2026: the day is.
  rule(
    /(?<![\w.$-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\w]|[-/.]\d)/g,
    ({ groups: [, first = "", sign, second = "", years = ""] }) => {
      if (sign !== "/" && years.length === 2) return undefined;
      const dayFirst = sign === "." ? monthDay(second, first, years) : undefined;
      return dayFirst ?? monthDay(first, second, years) ?? monthDay(second, first, years);
    },
  ),
  rule(
    /(?<![\w.$/-])(0?[1-9]|1[0-2])\/((?:19|20)\d{2})(?![\w/-])/g,
    ({ groups: [, number = "", years = ""] }) => `${monthOf(number) ?? ""} ${year(years)}`,
  ),
  // Mon, Nov 21 and Mon-Fri.
  rule(
    new RegExp(`\\b${weekday}\\.?\\s?[-\u2013]\\s?${weekday}\\b\\.?`, "g"),
    ({ groups: [match = "", from = "", to = ""], after }) =>
      `${sayWeekday(from)} to ${sayWeekday(to)}${stop(match, after)}`,
  ),
  rule(
    new RegExp(`\\b${weekday}(?:\\.,?|,)?(?=\\s(?:${month}|\\d{1,2}(?:st|nd|rd|th)?\\b))`, "g"),
    ({ groups: [match = "", name = ""] }) => `${sayWeekday(name)}${match.includes(",") ? " ," : ""}`,
  ),
  rule(/\b(Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\.(?=\s[a-z])/g, ({ groups: [, name = ""] }) => sayWeekday(name)),
  // 21 Nov 2026, 21st of November, 21–23 November.
  rule(
    new RegExp(
      `\\b(?:(\\d{1,2})\\s?[-\u2013]\\s?)?(\\d{1,2})(?:st|nd|rd|th)?(\\s(?:of\\s)?|-)${month}(?![\\w])(?:[\\s,-]+(\\d{4})(?![\\w]|[.,]\\d))?`,
      "g",
    ),
    ({ groups: [match = "", from = "", day = "", , name = "", years = ""], after }) => {
      if (!isDay(day) || (name === "May" && /^\s(?:I|you|we|he|she|they|be|have)\b/.test(after))) return undefined;
      const start = from === "" ? "" : `${ordinal(Number(from))} to `;
      return `${start}${ordinal(Number(day))} of ${sayMonth(name)}${sayYear(years)}${stop(match, after)}`;
    },
  ),
  // Nov 21, 2026; November 21st; Nov 21–23.
  rule(
    new RegExp(
      `\\b${month}\\s(\\d{1,2})(?:st|nd|rd|th)?(?:\\s?[-\u2013]\\s?(\\d{1,2})(?:st|nd|rd|th)?)?(?![\\w]|:\\d|[.,]\\d)(,?\\s(\\d{4})(?![\\w]|[.,]\\d))?`,
      "g",
    ),
    ({ groups: [, name = "", day = "", to = "", , years = ""] }) => {
      if (!isDay(day)) return undefined;
      return `${sayMonth(name)} ${ordinal(Number(day))}${to === "" ? "" : ` to ${ordinal(Number(to))}`}${years === "" ? "" : ` , ${year(years)}`}`;
    },
  ),
  rule(
    new RegExp(`\\b${month},?\\s(\\d{4})(?![\\w]|[.,]\\d)`, "g"),
    ({ groups: [, name = "", years = ""] }) => `${sayMonth(name)}${sayYear(years)}`,
  ),
  rule(
    /\b(Jan|Feb|Apr|Aug|Sept?|Oct|Nov|Dec)(?:\.|\b)(?=\s|$|[,;:!?)–-])/g,
    ({ groups: [match = "", name = ""], after }) => `${sayMonth(name)}${stop(match, after)}`,
  ),

  // 9am-5pm, 10–11 am; both ends are said by the rules below.
  rule(
    /(?<![\w.:])(\d{1,2}(?::\d{2})?(?:\s?[ap]\.?m\.?)?)\s?[-–]\s?(?=\d{1,2}(?::\d{2})?\s?[ap]\.?m\b)/gi,
    ({ groups: [, from = ""] }) => `${from} to`,
  ),
  rule(/(?<![\w.:])(\d{1,2}:\d{2})\s?[-–]\s?(?=\d{1,2}:\d{2}(?!\d))/g, ({ groups: [, from = ""] }) => `${from} to`),
  rule(
    new RegExp(String.raw`(?<![\w.:,])(\d{1,2})(?::([0-5]\d)(?::([0-5]\d))?)?\s?${half}`, "gi"),
    ({ groups: [match = "", hour = "", minute = "", second = "", letter = ""], after }) =>
      Number(hour) > 24
        ? undefined
        : `${sayClock(hour, minute, letter)}${seconds(second)}${sayHalf(letter)}${stop(match, after)}`,
  ),
  rule(
    /(?<![\w.:,])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?![\w:]|[.,]\d)(?:\s?h(?:rs?)?\b)?/g,
    ({ groups: [, hour = "", minute = "", second = ""] }) =>
      Number(hour) > 24 ? undefined : `${sayClock(hour, minute, "")}${seconds(second)}`,
  ),
  rule(/(?<![\w.,])(\d{1,2})(?=\s?o'clock)/gi, ({ groups: [, hour = ""] }) => cardinal(Number(hour))),

  // The 1990s, the '90s, the 90s.
  rule(/(?<![\w.,$£€])'?((?:1[0-9]|20)\d0|[2-9]0)'?s(?!\w)/g, ({ groups: [match = "", decade = ""] }) =>
    match.includes("'") || decade.length === 4 || Number(decade) >= 20 ? plural(year(decade)) : undefined,
  ),
  rule(/(?<![\w])'(\d{2})(?!\w|')/g, ({ groups: [, years = ""] }) =>
    years.startsWith("0") ? `oh ${cardinal(years.slice(1))}` : cardinal(years),
  ),
  // 1914–1918, 2024/25.
  rule(
    /(?<![\w.,$£€#-])((?:1[1-9]|20)\d{2})\s?([-–/])\s?((?:1[1-9]|20)?\d{2})(?![\w]|[.,]\d|[-–/]\d)/g,
    ({ groups: [, from = "", sign, to = ""] }) =>
      to.length === 2 && Number(to) <= Number(from.slice(2))
        ? isoMonth(from, sign, to)
        : `${year(from)} ${sign === "/" ? "" : "to "}${to.length === 2 ? cardinal(to.replace(/^0(?=.)/, "")) : year(to)}`,
  ),
  // A number that looks like a year and is one by what stands around it.
  rule(
    /(?<![\w.,:$£€¥#/+-])((?:1[0-9]|20)\d{2})(?![\w%°]|[.,]\d|[-/]\w|\s?[+*=×])/g,
    ({ groups: [, number = ""], before, after }) => {
      const told =
        /(?:\b(?:in|since|until|till|from|to|by|of|year|before|after|during|around|circa|early|mid|late|between|spring|summer|autumn|fall|winter|january|february|march|april|may|june|july|august|september|october|november|december)|[(©]|q[1-4]|copyright)\s*$/i.test(
          before,
        );
      const counted =
        /^\s(?:percent|times|[a-z]+(?:s|people|men|women|children|feet)\b(?<!\b(?:was|is|has|its|this|as|us|elections|olympics)\b))/.test(
          after,
        ) || /^\s(?:million|billion|trillion|thousand)/.test(after);
      if (counted) return undefined;
      return told || (Number(number) >= 1900 && Number(number) < 2100) ? year(number) : undefined;
    },
  ),
];

/** Telephone and card numbers: figures in groups, a breath between the groups. */
const grouped = (number: string) =>
  (number.match(/\d+/g) ?? []).map((group) => (group === "800" ? "eight hundred" : digits(group))).join(" , ");

export const telephoneRules: readonly Rule[] = [
  rule(/(?<![\w.])(\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,4}|\d{3}-\d{2}-\d{4})(?![\w-])/g, ({ groups: [, number = ""] }) =>
    grouped(number),
  ),
  rule(/(?<![\w.])(\+\d[\d ().-]{6,18}\d)(?![\w])/g, ({ groups: [, number = ""] }) => `plus ${grouped(number)}`),
  rule(/(?<![\w.+-])((?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?![\w-])/g, ({ groups: [, number = ""] }) =>
    grouped(number),
  ),
  rule(/(?<![\w.+-])(\d{3}-\d{4})(?![\w-])/g, ({ groups: [, number = ""] }) => grouped(number)),
  rule(/(?<![\w.+-])(0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4})(?![\w-])/g, ({ groups: [, number = ""] }) => grouped(number)),
  rule(/(?<=\b(?:call|dial|called|dialed|calling|ring|phone)\s)(\d{3})(?![\w.,-])/gi, ({ groups: [, number = ""] }) =>
    digits(number),
  ),
];
