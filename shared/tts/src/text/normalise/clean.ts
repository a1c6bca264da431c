/** From whatever people type to plain ASCII English: one sign for each thing, nothing that changes what is said. */
import { greekOfFormulas } from "../script-problem.ts";
import { table } from "../table.ts";
import { plainLetters, transliterate } from "./transliterate.ts";

const letters = table<string>({
  ß: "ss",
  æ: "ae",
  Æ: "Ae",
  œ: "oe",
  Œ: "Oe",
  ø: "o",
  Ø: "O",
  ð: "d",
  Ð: "D",
  þ: "th",
  Þ: "Th",
  ł: "l",
  Ł: "L",
  đ: "d",
  Đ: "D",
  ı: "i",
  ŋ: "ng",
  ə: "e",
});

const greek = table<string>({
  α: "alpha",
  β: "beta",
  γ: "gamma",
  δ: "delta",
  ε: "epsilon",
  ζ: "zeta",
  η: "eta",
  θ: "theta",
  ι: "iota",
  κ: "kappa",
  λ: "lambda",
  μ: "mu",
  ν: "nu",
  ξ: "xi",
  ο: "omicron",
  π: "pi",
  ρ: "rho",
  σ: "sigma",
  ς: "sigma",
  τ: "tau",
  υ: "upsilon",
  φ: "phi",
  χ: "chi",
  ψ: "psi",
  ω: "omega",
});

/** Micro and ohm come before units, so that they survive as letters of units. */
const unitSigns: readonly (readonly [RegExp, string])[] = [
  [/(?<=\d\s?)[µμ](?=(?:m|g|s|l|L|A|V|W)(?![\p{L}]))/gu, "u"],
  [/(?<=\d\s?)([kM]?)[ΩΩ]/gu, "$1ohm"],
];

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Without marks, pictures and letters of other scripts: those are written in Latin ones. */
export function clean(text: string): string {
  let plain = text
    .replace(/[\ue000-\uf8ff\u200b-\u200f\u2060\ufeff\u00ad]/g, "")
    // 1½ would be 11/2 after NFKC.
    .replace(
      /(\d?)([\u00bc-\u00be\u2150-\u215e])/g,
      (_, digit: string, sign: string) =>
        `${digit === "" ? "" : `${digit} `}${sign.normalize("NFKC").replace("\u2044", "/")}`,
    )
    .replace(
      /(?<=[\p{L}\d)])([\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)/gu,
      (power: string) => `^${Array.from(power, (sign) => superscripts.indexOf(sign)).join("")}`,
    )
    .replace(/(?<=\d)[\u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))/g, "");
  for (const [sign, unit] of unitSigns) plain = plain.replace(sign, unit);
  plain = plain
    .replace(/\u2122/g, " trademark ")
    .replace(/\u2026/g, "...")
    .replace(/°|\u2103|\u2109|º/g, (sign) => (sign === "\u2103" ? "°C" : sign === "\u2109" ? "°F" : "°"))
    .normalize("NFKC")
    .replace(/[\u2018\u2019\u201a\u201b\u02bc\u0060\u00b4]/g, "'")
    .replace(/[\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033]/g, '"')
    .replace(/[\u2212\u2010\u2011\ufe63]/g, "-")
    .replace(/[\u2012\u2013]/g, "\u2013")
    .replace(/[\u2014\u2015]/g, "\u2014")
    .replace(greekOfFormulas, (letters) =>
      Array.from(letters, (letter) => greek[letter.toLowerCase()] ?? letter)
        .map((name) => ` ${name} `)
        .join(""),
    )
    .replace(/[\u00df-\u1fff]/gi, (letter) => letters[letter] ?? letter);
  plain = plainLetters(transliterate(plain).normalize("NFD").replace(/\p{M}/gu, ""));
  return plain
    .replace(/\p{Extended_Pictographic}/gu, (sign) => (/[©®]/.test(sign) ? sign : " "))
    .replace(/\s+/g, " ")
    .trim();
}
