/** How programs of Parlance are made into few files by esbuild. */
import type { BuildOptions, Plugin } from "esbuild";

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

// As a module, node:http loads fetch and all that belongs to it: 13 MB that no service uses.
const plainHttp: Plugin = {
  name: "plain-http",
  setup(bundle) {
    bundle.onResolve({ filter: /^(node:)?https?$/ }, ({ path }) => ({ path, namespace: "plain-http" }));
    bundle.onLoad({ filter: /.*/, namespace: "plain-http" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }));
  },
};

export const programOptions = {
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  sourcesContent: false,
  external: keptPackages,
  plugins: [plainHttp],
  // For packages in CommonJS; its name must meet none of the sources'.
  banner: {
    js: 'import { createRequire as requireOfBundle } from "node:module"; const require = requireOfBundle(import.meta.url);',
  },
  logLevel: "warning",
} satisfies BuildOptions;
