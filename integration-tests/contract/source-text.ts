/** Source files as text, for tests about how they are written: which there are, and what of them is code and what comment. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Every TypeScript file below a folder that is written by hand. */
export function typescriptFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\/(node_modules|dist)\//.test(file));
}

/** A block comment that begins a line, or the rest of a line behind `//`: neither begins inside a text here. */
const comment = /^[ \t]*\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm;

export function codeOf(source: string): string {
  return source.replace(comment, "");
}

/** A comment without its marks, and the line of the file on which it begins. Neighbouring lines of `//` are one comment. */
export interface Comment {
  line: number;
  text: string;
}

export function commentsOf(source: string): Comment[] {
  const comments: Comment[] = [];
  let lastLine = 0;
  for (const { 0: raw, index } of source.matchAll(comment)) {
    const line = source.slice(0, index).split("\n").length;
    const isLine = raw.startsWith("//");
    const text = isLine ? raw.slice(2).trim() : raw.replace(/^\s*\/\*+|\*\/$/g, "").replaceAll(/^[ \t]*\* ?/gm, "");
    const before = comments.at(-1);
    if (isLine && before !== undefined && lastLine === line - 1) before.text += `\n${text}`;
    else comments.push({ line, text });
    lastLine = isLine ? line : 0;
  }
  return comments;
}

/**
 * The sentences of a comment. A paragraph, an entry of a list and a line of a table or of a picture begin a new one. So does a
 * label that is followed by a break.
 */
export function sentencesOf(text: string): string[] {
  return text
    .split(/\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.) )|\n(?=.*(?:\S {2,}\S|[─│▲▼▶]))|(?<=\S {2,}\S.*)\n(?! {6})/)
    .flatMap((paragraph) =>
      paragraph
        .trim()
        .replaceAll(/\s+/g, " ")
        .split(/(?<=[.!?]["')`]?) (?=[^a-z]|[a-z]+[-/.])/),
    )
    .filter((sentence) => sentence !== "");
}
