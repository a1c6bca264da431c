/** From the words of `normalise` to phones: the dictionary first, then what can be made of it, then the letters. */
import { isPronounceable } from "../normalise/letters.ts";
import { table } from "../table.ts";
import { derive, withS } from "./derivation.ts";
import { heteronym } from "./heteronyms.ts";
import { letterName } from "./letter-names.ts";
import { type LetterRules, parseLetterRules, soundOut } from "./letter-rules.ts";
import { letterRulesSource } from "./letter-rules-data.ts";
import type { Pronunciations } from "./pronunciations.ts";
import { supplemented } from "./supplement.ts";

/** Where the phones of a token come from. */
export type Origin = "lexicon" | "derived" | "rules" | "letter" | "pause";

export interface Pronounced {
  /** A word, a letter or a mark of pause, as `normalise` wrote it. */
  token: string;
  /** CMU phones in lower case, vowels with their stress 0 or 1; none for a pause. */
  phones: string[];
  origin: Origin;
}

export interface Pronouncer {
  /** One entry per token of a normalised text, in order; a token that is none of its kind is an Error that names it. */
  pronounce(normalised: string): Pronounced[];
}

export interface PronouncerOptions {
  pronunciations: Pronunciations;
}

/** Words that lean on their neighbours and are hardly ever said as the dictionary has them on their own. */
const unstressed = table<string>({
  a: "ah0",
  an: "ah0 n",
  to: "t ah0",
});

let parsedRules: LetterRules | undefined;

/** The rules are parsed when the first word needs them. */
function letterRules(): LetterRules {
  parsedRules ??= parseLetterRules(letterRulesSource);
  return parsedRules;
}

export function createPronouncer({ pronunciations }: PronouncerOptions): Pronouncer {
  const known = supplemented(pronunciations);

  const sayWord = (word: string): Omit<Pronounced, "token"> => {
    const listed = known.find(word)[0];
    if (listed !== undefined) return { phones: listed, origin: "lexicon" };
    const derived = derive(word, known);
    if (derived !== undefined) return { phones: derived, origin: "derived" };
    const letters = word.replaceAll("'", "");
    const spelled = { phones: Array.from(letters).flatMap(letterName), origin: "letter" } as const;
    // What cannot be sounded out is spelled.
    if (!/[aeiouy]/.test(letters) || (letters.length <= 3 && !isPronounceable(letters))) return spelled;
    const possessive = /^(.{2,})'s$/.exec(word)?.[1];
    if (possessive !== undefined)
      return { phones: withS(soundOut(possessive.replaceAll("'", ""), letterRules())), origin: "rules" };
    const phones = soundOut(letters, letterRules());
    // The rules may leave every letter silent.
    return phones.length === 0 ? spelled : { phones, origin: "rules" };
  };

  const say = (
    token: string,
    before: readonly string[],
    after: readonly string[],
    next: () => string | undefined,
  ): Omit<Pronounced, "token"> => {
    const letter = /^([A-Z])('s)?$/.exec(token);
    if (letter !== null) {
      const name = letterName(letter[1] ?? "");
      return { phones: letter[2] === undefined ? name : withS(name), origin: "letter" };
    }
    if (token === "the") return { phones: ["dh", /\d$/.test(next() ?? "") ? "iy0" : "ah0"], origin: "lexicon" };
    // "to a" and "to it" are "too a", "too it".
    if (token === "to") return { phones: ["t", /\d$/.test(next() ?? "") ? "uw0" : "ah0"], origin: "lexicon" };
    const weak = unstressed[token];
    if (weak !== undefined) return { phones: weak.split(" "), origin: "lexicon" };
    const chosen = heteronym(token, { before, after });
    return chosen === undefined ? sayWord(token) : { phones: chosen, origin: "lexicon" };
  };

  return {
    pronounce(normalised) {
      const tokens = normalised.split(" ").filter((token) => token !== "");
      const said: Pronounced[] = [];
      // From the end, so that "the" hears what follows it.
      for (const [index, token] of [...tokens.entries()].reverse()) {
        if (/^[,.?!]$/.test(token)) {
          said.unshift({ token, phones: [], origin: "pause" });
          continue;
        }
        if (!/^(?:[a-z']*[a-z][a-z']*|[A-Z](?:'s)?)$/.test(token))
          throw new Error(`${JSON.stringify(token)} is no word, letter or mark: normalise the text first`);
        const next = said[0];
        said.unshift({
          token,
          ...say(
            token,
            phrase(tokens.slice(0, index).reverse()),
            phrase(tokens.slice(index + 1)),
            () => next?.phones[0],
          ),
        });
      }
      return said;
    },
  };
}

/** At most four words, up to the next mark. */
function phrase(tokens: readonly string[]): string[] {
  const end = tokens.findIndex((token) => /^[,.?!]$/.test(token));
  return tokens.slice(0, Math.min(end === -1 ? 4 : end, 4));
}

/** All phones of a text in a row; a pause is its mark. */
export function phonesOf(pronounced: readonly Pronounced[]): string[] {
  return pronounced.flatMap(({ token, phones, origin }) => (origin === "pause" ? [token] : phones));
}
