/** Unknown words made of known ones: endings, beginnings, compounds. */
import { table } from "../table.ts";
import type { Pronunciations } from "./pronunciations.ts";

const isVoiceless = (phone: string) => /^(?:p|t|k|f|th)$/.test(phone);
const isSibilant = (phone: string) => /^(?:s|z|sh|zh|ch|jh)$/.test(phone);

/** The sound of plural and possessive -s after a word: "cats", "dogs", "horses". */
export function withS(phones: readonly string[]): string[] {
  const last = phones.at(-1) ?? "";
  if (isSibilant(last)) return [...phones, "ih0", "z"];
  return [...phones, isVoiceless(last) ? "s" : "z"];
}

/** The sound of -ed: "walked", "hugged", "waited". */
function withEd(phones: readonly string[]): string[] {
  const last = phones.at(-1) ?? "";
  if (last === "t" || last === "d") return [...phones, "ih0", "d"];
  return [...phones, isVoiceless(last) || isSibilant(last) ? (/^(?:z|zh|jh)$/.test(last) ? "d" : "t") : "d"];
}

/** The sound of -ly: "simply" and "basically" lose a syllable, "happily" keeps its own. */
function withLy(phones: readonly string[], stem: string): string[] {
  if (/(?:[^aeiou]le|ical)$/.test(stem) && phones.slice(-2).join(" ") === "ah0 l")
    return [...phones.slice(0, -2), "l", "iy0"];
  if (stem.endsWith("y"))
    return [...phones.slice(0, -1), phones.at(-1) === "iy0" ? "ah0" : (phones.at(-1) ?? ""), "l", "iy0"];
  return [...(phones.at(-1) === "l" ? phones.slice(0, -1) : phones), "l", "iy0"];
}

type Ending = readonly [spelling: RegExp, say: (phones: readonly string[], stem: string) => string[]];

const add =
  (...sounds: string[]) =>
  (phones: readonly string[]) => [...phones, ...sounds];
/** -er after a word that ends in the same sound says it once: "layerer" is rare enough. */
const endings: readonly Ending[] = [
  [/'s$/, withS],
  [/s$/, withS],
  [/ed$/, withEd],
  [/ing$/, add("ih0", "ng")],
  [/in'?$/, add("ih0", "n")],
  [/ers$/, add("er0", "z")],
  [/er$/, add("er0")],
  [/est$/, add("ah0", "s", "t")],
  [/ly$/, withLy],
  [/ness$/, add("n", "ah0", "s")],
  [/nesses$/, add("n", "ah0", "s", "ih0", "z")],
  [/less$/, add("l", "ah0", "s")],
  [/ful$/, add("f", "ah0", "l")],
  [/ments$/, add("m", "ah0", "n", "t", "s")],
  [/ment$/, add("m", "ah0", "n", "t")],
  [/able$/, add("ah0", "b", "ah0", "l")],
  [/ably$/, add("ah0", "b", "l", "iy0")],
  [/ish$/, add("ih0", "sh")],
  [/ism$/, add("ih1", "z", "ah0", "m")],
  [/ists$/, add("ih0", "s", "t", "s")],
  [/ist$/, add("ih0", "s", "t")],
  [/like$/, add("l", "ay1", "k")],
  [/wise$/, add("w", "ay1", "z")],
  [/ship$/, add("sh", "ih0", "p")],
  [/hood$/, add("hh", "uh0", "d")],
  [/'ll$/, add("ah0", "l")],
  [/'d$/, (phones) => (/^[td]$/.test(phones.at(-1) ?? "") ? [...phones, "ih0", "d"] : [...phones, "d"])],
  [/'ve$/, add("ah0", "v")],
  [/'re$/, add("er0")],
];

const beginnings = table<string>({
  un: "ah0 n",
  re: "r iy0",
  non: "n aa1 n",
  anti: "ae1 n t iy0",
  pre: "p r iy0",
  mis: "m ih0 s",
  over: "ow1 v er0",
  under: "ah1 n d er0",
  out: "aw1 t",
  super: "s uw1 p er0",
  inter: "ih1 n t er0",
  sub: "s ah1 b",
  dis: "d ih0 s",
  micro: "m ay1 k r ow0",
  macro: "m ae1 k r ow0",
  multi: "m ah1 l t iy0",
  mini: "m ih1 n iy0",
  mega: "m eh1 g ah0",
  giga: "g ih1 g ah0",
  hyper: "hh ay1 p er0",
  cyber: "s ay1 b er0",
  bio: "b ay1 ow0",
  geo: "jh iy1 ow0",
  nano: "n ae1 n ow0",
  neuro: "n uh1 r ow0",
  photo: "f ow1 t ow0",
  auto: "ao1 t ow0",
  pseudo: "s uw1 d ow0",
  semi: "s eh1 m iy0",
  crypto: "k r ih1 p t ow0",
  techno: "t eh1 k n ow0",
  trans: "t r ae0 n z",
  counter: "k aw1 n t er0",
  co: "k ow1",
  de: "d iy0",
});

/** The phones of a word made of words that the dictionary has; undefined when it is not. */
export function derive(word: string, known: Pronunciations): string[] | undefined {
  return inflected(word, known) ?? american(word, known) ?? prefixed(word, known) ?? compound(word, known);
}

const spellings: readonly (readonly [british: RegExp, american: string])[] = [
  [/is(e|ed|es|er|ers|ing|able|ation|ations)$/, "iz$1"],
  [/ys(e|ed|es|er|ers|ing)$/, "yz$1"],
  [/our/, "or"],
  [/ll(ed|ing|er|ers)$/, "l$1"],
  [/tre(s?)$/, "ter$1"],
  [/ogue(s?)$/, "og$1"],
  [/ence(s?)$/, "ense$1"],
  [/ae/, "e"],
  [/oe/, "e"],
];

/** British spellings of words that the dictionary has in American ones: "recognised", "colourful", "travelled". */
function american(word: string, known: Pronunciations): string[] | undefined {
  for (const [british, respelled] of spellings) {
    if (!british.test(word)) continue;
    const other = word.replace(british, respelled);
    const phones = known.find(other)[0] ?? inflected(other, known);
    if (phones !== undefined) return phones;
  }
  return undefined;
}

/** The ways in which the stem of an ending may be spelled, the likeliest first: "mak(e)", "stop(p)", "tr(y)". */
function stems(rest: string, spelling: RegExp): string[] {
  const { source } = spelling;
  const found: string[] = [];
  if (/i$/.test(rest)) found.push(`${rest.slice(0, -1)}y`);
  if (/ie$/.test(rest) && source === "s$") found.push(`${rest.slice(0, -2)}y`);
  if (/^(?:ed|ing|in|er|ers|est|able|ably|ish|ist|ists|ism)/.test(source)) {
    if (/([bdgklmnprtvz])\1$/.test(rest)) found.push(rest, rest.slice(0, -1));
    // "car" and "ing" make "caring" only from "care": "car" would double its r.
    else if (/[^aeiou][aeiou][^aeiouwxy]$|[cguvz]$/.test(rest)) found.push(`${rest}e`, rest);
    else found.push(rest, `${rest}e`);
    return found;
  }
  found.push(rest);
  if (source === "s$" && /(?:s|x|z|sh|ch|o)e$/.test(rest)) found.push(rest.slice(0, -1));
  if (source === "ly$" && /[^aeiou]$/.test(rest)) found.push(`${rest}le`, `${rest}l`);
  return found;
}

function inflected(word: string, known: Pronunciations): string[] | undefined {
  for (const [spelling, say] of endings) {
    if (!spelling.test(word)) continue;
    const rest = word.replace(spelling, "");
    if (rest.length < 3 && !rest.includes("'") && !spelling.source.startsWith("'")) continue;
    // "ss" and "us" are no plurals.
    if (spelling.source === "s$" && /[su]$/.test(rest)) continue;
    for (const stem of stems(rest, spelling)) {
      const phones = known.find(stem)[0] ?? (stem.length > 5 ? prefixed(stem, known) : undefined);
      if (phones !== undefined) return say(phones, stem);
    }
  }
  return undefined;
}

function prefixed(word: string, known: Pronunciations): string[] | undefined {
  for (const [spelling, sound] of Object.entries(beginnings)) {
    if (!word.startsWith(spelling)) continue;
    const rest = word.slice(spelling.length);
    if (rest.length < (spelling.length < 3 ? 5 : 4)) continue;
    const phones = known.find(rest)[0] ?? inflected(rest, known);
    if (phones !== undefined) return [...sound.split(" "), ...phones];
  }
  return undefined;
}

/** Short words that make compounds; others of three letters are in long words by chance. */
const short = new Set(
  (
    "hot web net app bot set top out off day way man men box bit key log air sun eye ear car bus sea low big red ice fly pay pop " +
    "cut run hit map tag tap gas oil tea egg hat cap gun job law age art arm leg toe pot pan bed boy dog cat cow pig fox bee new old"
  ).split(" "),
);

/** Both parts long enough not to be there by chance; the more even of two ways wins. */
function compound(word: string, known: Pronunciations): string[] | undefined {
  const part = (text: string) => (text.length > 3 || short.has(text) ? known.find(text)[0] : undefined);
  // "doom scrolling", not "dooms crolling": an s in the middle begins a word more often than it ends one.
  const unevenness = (cut: number) => Math.abs(cut - word.length / 2) + (word[cut - 1] === "s" ? 3 : 0);
  const cuts = Array.from({ length: Math.max(0, word.length - 5) }, (_, index) => index + 3).sort(
    (a, b) => unevenness(a) - unevenness(b),
  );
  for (const cut of cuts) {
    const first = part(word.slice(0, cut));
    if (first === undefined) continue;
    const second = part(word.slice(cut)) ?? (word.length - cut > 5 ? inflected(word.slice(cut), known) : undefined);
    if (second !== undefined) return [...first, ...second];
  }
  return undefined;
}
