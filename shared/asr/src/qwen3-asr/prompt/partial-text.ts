/** What there is of an answer while it is being written: the text so far, without what may still change by one more token. */
import { strip } from "./python-text.ts";
import { textTag } from "./spoken-output.ts";

/** Undefined before the text begins. */
export function partialText(raw: string, forced: string | undefined): string | undefined {
  // A character whose bytes are not all there yet.
  const whole = raw.replace(/\ufffd+$/u, "");
  if (forced !== undefined) return strip(whole);
  const tag = whole.indexOf(textTag);
  return tag === -1 ? undefined : strip(whole.slice(tag + textTag.length));
}
