/** Parts of packages that no program of Parlance uses and every process would load: they are left out of what is built. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Plugin } from "esbuild";

/** As a module, node:http loads fetch and all that belongs to it: 13 MB that no service uses. */
const plainHttp: Plugin = {
  name: "plain-http",
  setup(bundle) {
    bundle.onResolve({ filter: /^(node:)?https?$/ }, ({ path }) => ({ path, namespace: "plain-http" }));
    bundle.onLoad({ filter: /.*/, namespace: "plain-http" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }));
  },
};

/** Koa asks of each body whether it is a Response of fetch's, which loads fetch in turn. No handler answers with one. */
const noFetchInKoa: Plugin = {
  name: "no-fetch-in-koa",
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]koa[\\/]lib[\\/](application|response)\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes("instanceof Response")) throw new Error(`${path} no longer asks for a Response`);
      return { contents: `class NoResponse {}\n${text.replaceAll("instanceof Response", "instanceof NoResponse")}` };
    });
  },
};

/** zod's messages in fifty languages: errors are told in English. */
const englishZod: Plugin = {
  name: "english-zod",
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** koa-body takes hold of all of zod, so that nothing of it could be left out: these are the schemas that its options are. */
const zodOfKoaBody: Plugin = {
  name: "zod-of-koa-body",
  setup(bundle) {
    bundle.onResolve({ filter: /^zod$/, namespace: "file" }, ({ importer }) =>
      /[\\/]koa-body[\\/]/.test(importer) ? { path: importer, namespace: "zod-of-koa-body" } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: "zod-of-koa-body" }, ({ path }) => ({
      contents: `import { array, boolean, enum as one, number, object, string, union } from "zod";
        export const z = { array, boolean, enum: one, number, object, string, union };`,
      resolveDir: dirname(path),
    }));
  },
};

/** prom-client asks it whose span a figure of the process itself is of: only with `collectDefaultMetrics`, which no service calls. */
const noSpans: Plugin = {
  name: "no-spans",
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]@opentelemetry[\\/]api[\\/].*\.js$/ }, () => ({ contents: "module.exports = {}" }));
  },
};

interface MimeType {
  source?: string;
  charset?: string;
  extensions?: string[];
}

/**
 * Koa, type-is and accepts each bring mime-types and its table of media types: one is enough. Of the table mime-types reads
 * extensions, character sets and who says so. Parsed and not written as an object, it is in memory once.
 */
const oneMimeTable: Plugin = {
  name: "one-mime-table",
  setup(bundle) {
    bundle.onResolve({ filter: /^mime-types$/ }, ({ kind, pluginData }) =>
      pluginData === ofKoa
        ? undefined
        : bundle.resolve("mime-types", { kind, resolveDir: dirname(ofKoa), pluginData: ofKoa }),
    );
    bundle.onLoad({ filter: /[\\/]mime-db[\\/]db\.json$/ }, ({ path }) => ({
      contents: `module.exports = JSON.parse(${JSON.stringify(JSON.stringify(usedOf(readFileSync(path, "utf8"))))})`,
      loader: "js",
    }));
  },
};

const ofKoa = createRequire(import.meta.url).resolve("koa");

function usedOf(table: string): Record<string, MimeType> {
  const types: Record<string, MimeType> = JSON.parse(table);
  const used = Object.entries(types).filter(
    ([, { charset, extensions }]) => charset !== undefined || extensions !== undefined,
  );
  return Object.fromEntries(
    used.map(([type, { source, charset, extensions }]) => [
      type,
      { ...(source && { source }), ...(charset && { charset }), ...(extensions && { extensions }) },
    ]),
  );
}

export const leanPackages: readonly Plugin[] = [
  plainHttp,
  noFetchInKoa,
  englishZod,
  zodOfKoaBody,
  noSpans,
  oneMimeTable,
];
