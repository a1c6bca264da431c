/** The console's page inside the gateway's program: its files as texts, without types, comments and what else a browser skips. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";

export const consolePage: Plugin = {
  name: "console-page",
  setup({ esbuild, onLoad }) {
    onLoad({ filter: /[\\/]gateway[\\/]src[\\/]console[\\/]page-files\.ts$/ }, async ({ path }) => {
      const folder = join(dirname(path), "page");
      const names = readdirSync(folder).filter(
        (name) => /\.(html|css|svg|ts)$/.test(name) && !/\.(test|d)\.ts$/.test(name),
      );
      const files = await Promise.all(
        names.map(async (name) => {
          const text = readFileSync(join(folder, name), "utf8");
          const loader = name.endsWith(".ts") ? "ts" : name.endsWith(".css") ? "css" : undefined;
          if (loader === undefined) return { name, text };
          const { code } = await esbuild.transform(text, {
            ...{ loader, format: "esm", target: "es2024", minifyWhitespace: true, minifySyntax: true },
          });
          return { name, text: code };
        }),
      );
      return { contents: `export const pageFiles = () => ${JSON.stringify(files)};`, loader: "js" };
    });
  },
};
