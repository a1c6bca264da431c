import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import type { Reporter } from "vitest/node";

// What tests start compiles once what it shares, as what `npm start` starts does.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL(".parlance/compile-cache", import.meta.url));

const secondTries: Reporter = {
  onTestCaseResult(test) {
    const { retryCount = 0 } = test.diagnostic() ?? {};
    if (retryCount === 0 || !test.ok()) return;
    const why = test.result().errors?.map(({ message }) => message) ?? [];
    process.stdout.write(`passed at the second try: ${test.fullName}\n${why.join("\n")}\n`);
  },
};

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(process.env.THOROUGH === "true" ? [] : ["**/*.thorough.test.ts"])],
    setupFiles: [fileURLToPath(new URL("shared/contracts/src/testing/property-seed.ts", import.meta.url))],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    fsModuleCache: true,
    maxWorkers: 2,
    // What the files of a package share is loaded once, which halves the processor time of most packages.
    isolate: false,
    // Of all suites together, which share the machine. They end with the names of such tests: each is a race to look for.
    retry: process.env.TEST_RETRY === "1" ? 1 : 0,
    reporters: ["default", secondTries],
  },
});
