/**
 * The texts of a transcript's segments as OpenAI writes them: each with the space that stands before it, so that one behind the other
 * they are the transcript's text behind a space; without one in languages that are written without spaces. Pure.
 */
import { languagesWithoutSpaces, type Transcript } from "@parlance/contracts";

export function segmentTexts({ text, language, segments = [] }: Transcript): string[] {
  const [first = ""] = language.split(",");
  let at = 0;
  return segments.map(({ text: own }) => {
    const said = own.trim();
    const found = text.indexOf(said, at);
    const between = text.slice(at, Math.max(at, found));
    // What is not the text's next stays as its model wrote it.
    if (said === "" || found < 0 || between.trim() !== "") return own;
    const space = at > 0 ? between : languagesWithoutSpaces.has(first) ? "" : " ";
    at = found + said.length;
    return space + said;
  });
}
