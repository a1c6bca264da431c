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
