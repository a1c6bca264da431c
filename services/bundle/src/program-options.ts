/** How programs of Parlance are made into few files by esbuild. */
import type { BuildOptions } from "esbuild";
import { consolePage } from "./console-page.ts";
import { leanPackages } from "./lean-packages.ts";

/** What has native code or WebAssembly stays in node_modules. */
export const keptPackages = [
  "onnxruntime-node",
  "@audio/*",
  "@wasm-audio-decoders/*",
  "mediabunny",
  "libflacjs",
  "libopus-wasm",
  "wasm-media-encoders",
];

export const programOptions = {
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  sourcesContent: false,
  external: keptPackages,
  plugins: [...leanPackages, consolePage],
  // A program's text is in memory for as long as it runs, and in two bytes a letter where a comment has one beyond Latin.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  // So that a line number still tells where.
  lineLimit: 160,
  // For packages in CommonJS; its name must meet none of the sources'.
  banner: {
    js: 'import { createRequire as requireOfBundle } from "node:module"; const require = requireOfBundle(import.meta.url);',
  },
  logLevel: "warning",
} satisfies BuildOptions;
