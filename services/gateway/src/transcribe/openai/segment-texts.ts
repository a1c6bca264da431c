/**
 * The texts of a transcript's segments as OpenAI writes them: each with the space that stands before it. One behind the other they
 * are the transcript's text behind a space. Languages that are written without spaces have none. Pure.
 */
import { languagesWithoutSpaces, type Transcript } from "@parlance/contracts";

export function segmentTexts({ text, language, segments = [] }: Transcript): string[] {
  const [first = ""] = language.split(",");
  let at = 0;
  return segments.map(({ text: own }) => {
    const said = own.trim();
    const begin = at + spaceAt(text, at).length;
    // What is not the text's next stays as its model wrote it.
    if (said === "" || !text.startsWith(said, begin)) return own;
    const space = at > 0 ? text.slice(at, begin) : languagesWithoutSpaces.has(first) ? "" : " ";
    at = begin + said.length;
    return space + said;
  });
}

function spaceAt(text: string, at: number): string {
  const space = /\s*/y;
  space.lastIndex = at;
  return space.exec(text)?.[0] ?? "";
}
