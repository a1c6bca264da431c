import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// What tests start compiles once what it shares, as what `npm start` starts does.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL(".parlance/compile-cache", import.meta.url));

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
    // What the files of a package share is loaded once, which halves the processor time of most packages.
    isolate: false,
  },
});
