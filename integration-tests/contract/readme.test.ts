import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readmePath, withSettings } from "./settings-table.ts";

describe("README.md", () => {
  const readme = readFileSync(readmePath, "utf8");

  it("holds the table of settings that the schemas generate", () => {
    expect(withSettings(readme)).toBe(readme);
  });

  it("names only files that exist", () => {
    const links = [...readme.matchAll(/\]\((?!http|#)([^)]+)\)/g)].map((match) => match[1] ?? "");
    const recordings = [...readme.matchAll(/integration-tests\/demo\/audio\/[\w.-]+/g)].map(([path]) => path);
    expect([...links, ...recordings].filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual(
      [],
    );
  });

  it("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/npm run ([a-z:-]+)/g)].map((match) => match[1] ?? "");
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
