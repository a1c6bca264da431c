/** White space and line breaks as Python has them: the official utilities are Python, and JavaScript differs at the edges. */

const space = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const edges = new RegExp(`^${space}+|${space}+$`, "gu");
const start = new RegExp(`^${space}+`, "u");
const spaces = new RegExp(`${space}+`, "u");
const lineEnd = "[\\n\\v\\f\\r\\x1c-\\x1e\\x85\\u2028\\u2029]";
const lineBreak = new RegExp(`\\r\\n|${lineEnd}`, "u");

/** `str.strip()` */
export function strip(text: string): string {
  return text.replace(edges, "");
}

/** `str.lstrip()` */
export function stripStart(text: string): string {
  return text.replace(start, "");
}

/** `str.split()` */
export function splitOnSpace(text: string): string[] {
  return text.split(spaces).filter((part) => part !== "");
}

/** `str.splitlines()`, but for an empty last line, which never matters here. */
export function splitLines(text: string): string[] {
  return text.split(lineBreak);
}
