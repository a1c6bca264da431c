import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type Reporter, type TestSpecification } from "vitest/node";

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

/**
 * The longest file first, so that none is left alone at the end. Before there was a run nobody knows: a file is then as long as its text
 * is, with that of what it has from its own folder.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    if (files.every((file) => this.ctx.cache.getTestSpecificationResult(file) !== undefined)) return sorted;
    const lengths = new Map(files.map((file) => [file, textsOf(new URL(`file:${file.moduleId}`)).join("").length]));
    return sorted.sort((a, b) => (lengths.get(b) ?? 0) - (lengths.get(a) ?? 0));
  }
}

function textsOf(file: URL): string[] {
  const own = readFileSync(file, "utf8");
  return [
    own,
    ...[...own.matchAll(/from "(\.\/[^"]+)"/g)].map(([, path = ""]) => readFileSync(new URL(path, file), "utf8")),
  ];
}

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(process.env.THOROUGH === "true" ? [] : ["**/*.thorough.test.ts"])],
    setupFiles: [fileURLToPath(new URL("shared/contracts/src/testing/test-setup.ts", import.meta.url))],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    fsModuleCache: true,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // What the files of a package share is loaded once, which halves the processor time of most packages.
    isolate: false,
    // Of all suites together, which share the machine. They end with the names of such tests: each is a race to look for.
    retry: process.env.TEST_RETRY === "1" ? 1 : 0,
    reporters: ["default", secondTries],
  },
});
