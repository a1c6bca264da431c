/**
 * How the letters of an unknown word sound: rules learned from a lexicon by learning/learn-letter-rules.ts.
 *
 * For each letter a tree of questions "which letter stands there?", at places around it in a fixed order. Each answer
 * gives a better guess at the phones (none, one or two) that the letter stands for. The last question that was ever
 * seen answered wins (an IGTree: W. Daelemans, A. van den Bosch, T. Weijters, 1997). Stress is part of the guess.
 */

/** The places that are asked for, from the most telling to the least, relative to the letter. */
export const QUESTIONS: readonly number[] = [1, -1, 2, -2, 3, -3, 4, -4, 5];

export interface RuleNode {
  chunk: number;
  children: Map<string, RuleNode>;
}

export interface LetterRules {
  /** Phones, joined by a blank; "" for a silent letter. */
  chunks: readonly string[];
  roots: ReadonlyMap<string, RuleNode>;
}

const FIRST_CHUNK = 0xc0;

/**
 * The written form is a line of chunks, parted by commas, and a line of trees: letter, chunk as one character from U+00C0 on,
 * then either children and ")" or nothing more when the next character is no "(".
 */
export function parseLetterRules(source: string): LetterRules {
  const [header = "", body = ""] = source.split("\n");
  let place = 0;
  const node = (): [string, RuleNode] => {
    const letter = body[place++] ?? "";
    const chunk = body.charCodeAt(place++) - FIRST_CHUNK;
    const children = new Map<string, RuleNode>();
    if (body[place] === "(") {
      place++;
      while (body[place] !== ")") children.set(...node());
      place++;
    }
    return [letter, { chunk, children }];
  };
  const roots = new Map<string, RuleNode>();
  while (place < body.length) roots.set(...node());
  return { chunks: header.split(","), roots };
}

export function writeLetterRules({ chunks, roots }: LetterRules): string {
  const write = ([letter, { chunk, children }]: [string, RuleNode]): string => {
    const inner = [...children].sort(([a], [b]) => (a < b ? -1 : 1)).map(write);
    return `${letter}${String.fromCharCode(FIRST_CHUNK + chunk)}${inner.length === 0 ? "" : `(${inner.join("")})`}`;
  };
  return `${chunks.join(",")}\n${[...roots]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(write)
    .join("")}`;
}

/** The letter at a place of a word; "#" outside it. */
export function letterAt(word: string, place: number): string {
  return word[place] ?? "#";
}

/** The phones of a word of a–z, at least one vowel of them stressed when there is one. */
export function soundOut(word: string, rules: LetterRules): string[] {
  const phones: string[] = [];
  for (let place = 0; place < word.length; place++) {
    let node = rules.roots.get(word[place] ?? "");
    if (node === undefined) continue;
    for (const question of QUESTIONS) {
      const next: RuleNode | undefined = node.children.get(letterAt(word, place + question));
      if (next === undefined) break;
      node = next;
    }
    const chunk = rules.chunks[node.chunk] ?? "";
    if (chunk !== "") phones.push(...chunk.split(" "));
  }
  // Two letters that share a sound ("ss", "rr") may each have been given it.
  return stressOne(phones.filter((phone, index) => /\d$/.test(phone) || phone !== phones[index - 1]));
}

/** English stresses the first of two syllables, else the one before the last but one, when nothing else tells. */
export function stressOne(phones: readonly string[]): string[] {
  const vowels = [...phones.keys()].filter((index) => /\d$/.test(phones[index] ?? ""));
  if (vowels.length === 0 || vowels.some((index) => phones[index]?.endsWith("1"))) return [...phones];
  const full = vowels.filter((index) => !/^(?:ah|ih|er|iy)0$/.test(phones[index] ?? ""));
  const chosen = full[0] ?? vowels[Math.max(0, vowels.length - 3)];
  return phones.map((phone, index) => (index === chosen ? phone.replace("0", "1") : phone));
}
