/** How comments read: short plain sentences. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { commentsOf, sentencesOf, typescriptFiles } from "./source-text.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Two lines of a file, without what marks them as a comment. */
const WIDEST = 2 * (120 - " * ".length);

describe("comments", () => {
  it("have no sentence that is wider than two lines", () => {
    const files = ["nats", "services", "shared", "integration-tests"].flatMap((folder) =>
      typescriptFiles(join(root, folder)),
    );
    const tooWide = files.flatMap((file) =>
      commentsOf(readFileSync(file, "utf8")).flatMap(({ line, text }) =>
        sentencesOf(text)
          .filter((sentence) => sentence.length > WIDEST)
          .map((sentence) => `${relative(root, file)}:${line}: ${sentence}`),
      ),
    );
    expect(tooWide).toEqual([]);
  });
});

describe("commentsOf", () => {
  it("tells comments from code and from texts, and joins neighbouring lines", () => {
    const source = [
      "/** One. */",
      'const url = "https://example.org/*"; // Two',
      "// goes on.",
      "  /*",
      "   * Three.",
      "   */",
      "code();",
      "// Four.",
    ].join("\n");
    expect(commentsOf(source).map(({ line, text }) => [line, text.trim()])).toEqual([
      [1, "One."],
      [2, "Two\ngoes on."],
      [4, "Three."],
      [8, "Four."],
    ]);
  });
});

describe("sentencesOf", () => {
  it.each([
    ["ends one at a stop, and none inside a name", "Reads a.ts and 1.5 s.\nThen `b`. c/d.ts too.", 3],
    ["parts paragraphs and entries of a list", "One\n\ntwo\n- three\n  and more\n- four", 4],
    ["takes each line of a table for itself", "Modes:\n  work     one\n  alarm    two\nThe rest.", 4],
  ])("%s", (_, text, count) => {
    expect(sentencesOf(text)).toHaveLength(count);
  });
});
