/** Where the sentences of a paragraph end: Unicode's rules, and what they get wrong about written English. */
import { isSayable } from "../spoken-problem.ts";
import { abbreviations } from "./abbreviations.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });

/** Words that begin sentences and hardly ever a name: after "U.S." or "J." they tell that a new sentence starts. */
const starters = new Set(
  (
    "a an the this that these those he she it we they you i his her its our their your my there here but and or so yet nor if when " +
    "while where what who why how as at by for from in of on to with after before because since although though then now " +
    "however no yes not one some many most all both each every is are was were do does did has have had can could will would"
  ).split(" "),
);

/** The sentences of one paragraph without line breaks, in order; joined they are the paragraph. */
export function sentencesOf(paragraph: string): string[] {
  const sentences: string[] = [];
  let open = "";
  for (const { segment } of segmenter.segment(paragraph)) {
    if (open !== "" && !endsBetween(open, segment)) open += segment;
    else {
      if (open !== "") sentences.push(open);
      open = segment;
    }
  }
  if (open !== "") sentences.push(open);
  return sentences;
}

/** Whether Unicode's rules were right to end a sentence here. */
function endsBetween(before: string, after: string): boolean {
  // Closing quotes, brackets and emoji on their own, and `"Really?" she asked.`
  if (!isSayable(after)) return false;
  if (/^[\p{Ps}\p{Pi}"'“‘]*\p{Ll}/u.test(after)) return false;
  const text = before.trimEnd();
  // "3." alone is the number of what follows.
  if (/^[p{Ps}]?(\d{1,3}|[a-z]|[ivx]+)[.)]$/i.test(text) && !/^I\.$/.test(text)) return false;
  if (!text.endsWith(".")) return true;
  const word = /(?:^|[\s\p{Ps}\p{Pi}"'“‘\-–—/])((?:\p{L}+\.)*\p{L}+)\.$/u.exec(text)?.[1];
  if (word === undefined) return true;
  const next = /^[\p{Ps}\p{Pi}"'“‘]*([\p{L}\p{N}]+)/u.exec(after)?.[1] ?? "";
  const startsAnew = starters.has(next.toLowerCase());
  const known = abbreviations.get(word.toLowerCase());
  if (known?.place === "before") return false;
  if (known?.place === "number") return !/^\d|^[IVXLC]+$/.test(next);
  if (word.toLowerCase() === "st") return startsAnew;
  if (known?.place === "either") return !/^\d/.test(next);
  // Initials and "U.S.": a name goes on, unless the next word is one that sentences begin with. "So did I." ends.
  if (/^(\p{Lu}\.)*\p{Lu}$/u.test(word)) return startsAnew || (word === "I" && !/\p{Lu}\. I\.$/u.test(text));
  return true;
}
