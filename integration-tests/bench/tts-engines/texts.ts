/** What the rows of the bench say: a text of as many letters as it shall have frames, since letters are its budget. Pure. */

const SENTENCE =
  "the quiet river carried small boats past the old mill and nobody on the bank could say where they went";

/** What is said in the reference. */
export const REFERENCE_TEXT = "somebody sings without a word";

/** `letters`: 1 or more. Words are separated by blanks, which are no letters. */
export function textOf(letters: number): string {
  let text = "";
  let left = letters;
  for (let at = 0; left > 0; at = (at + 1) % (SENTENCE.length + 1)) {
    const character = SENTENCE[at] ?? " ";
    text += character;
    if (character !== " ") left -= 1;
  }
  return text;
}
