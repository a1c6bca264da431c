/** Words as labels of the character head. */
import { SEPARATOR } from "../emissions/emissions.ts";

export interface Spelling {
  /** What the head can write, apart from blank and space. */
  readonly alphabet: ReadonlySet<string>;
  /** The labels of words parted by spaces; undefined when a letter is not in the alphabet. */
  spell(words: readonly string[]): number[] | undefined;
  /** The text of labels, blanks and repeats already taken out. */
  write(labels: readonly number[]): string;
}

/** `characters` as in the manifest: blank first, space second. */
export function createSpelling(characters: readonly string[]): Spelling {
  const labels = new Map(characters.map((character, label) => [character, label]));
  return {
    alphabet: new Set(characters.slice(SEPARATOR + 1)),
    spell(words) {
      const spelled: number[] = [];
      for (const [index, word] of words.entries()) {
        if (index > 0) spelled.push(SEPARATOR);
        for (const letter of word) {
          const label = labels.get(letter);
          if (label === undefined || label <= SEPARATOR) return undefined;
          spelled.push(label);
        }
      }
      return spelled;
    },
    write: (said) => said.map((label) => characters[label] ?? "").join(""),
  };
}
