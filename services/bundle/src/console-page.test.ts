import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import * as z from "zod";
import { consolePage } from "./console-page.ts";

const gateway = fileURLToPath(new URL("../../gateway/src/console", import.meta.url));

test("a build holds the page's files, without types, comments and tests", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parlance-page-"));
  try {
    const outfile = join(folder, "page-files.mjs");
    await build({
      ...{ entryPoints: [join(gateway, "page-files.ts")], outfile, bundle: true, format: "esm", platform: "node" },
      plugins: [consolePage],
    });
    const { pageFiles } = await import(outfile);
    const files = z.array(z.object({ name: z.string(), text: z.string() })).parse(pageFiles());
    const wanted = readdirSync(join(gateway, "page")).filter((name) => !/\.test\.ts$|tsconfig/.test(name));
    expect(files.map(({ name }) => name).sort()).toEqual(wanted.sort());
    for (const { name, text } of files.filter(({ name }) => name.endsWith(".ts")))
      expect(text, name).not.toMatch(/^\s*(\/\*\*|interface |import type)/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
