/** What makes a text impossible to say, whatever the language and the voice. */
import { withoutControlTokens } from "./control-tokens.ts";

// C0 and C1 without tab, line feed, form feed, carriage return and next line; and halves of a pair, which are no characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u0084\u0086-\u009f]|\p{Cs}/u;

/** Letters, digits, and the symbols that have a name of their own in speech. */
const sayable = /[\p{L}\p{N}&+=%@#°§©®™√∞µ]|\p{Sc}/u;

/** Whether a voice has anything to say for it. Key caps are a digit and a combining mark: one emoji, nothing to say. */
export function isSayable(text: string): boolean {
  return sayable.test(text.replace(/[\d#*]\ufe0f?\u20e3/g, ""));
}

/** One sentence for the caller, or undefined when the text can be said. Its length is for the contract to limit. */
export function spokenProblem(text: string): string | undefined {
  if (text.trim() === "") return "The text is empty.";
  const found = control.exec(text);
  if (found !== null) {
    const point = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const what = found[0] >= "\ud800" ? "half of a surrogate pair" : "a control character";
    return `The text holds ${what} (U+${point}, character ${found.index + 1}).`;
  }
  if (!isSayable(withoutControlTokens(text)))
    return "The text has nothing that can be said: no letter, no number, only punctuation, symbols or emoji.";
  return undefined;
}
