import * as fc from "fast-check";
import { expect, test } from "vitest";
import { newestOf } from "./newest-of.ts";

const reader = (seqs: readonly number[]) =>
  async function* (from: number) {
    for (const seq of seqs) if (seq >= from) yield { seq };
  };

test("pages, one behind the other, have every message once, the newest first, however sparsely they lie", async () => {
  const kept = fc.uniqueArray(fc.integer({ min: 1, max: 5_000 }), { maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(kept, fc.integer({ min: 1, max: 30 }), async (unordered, limit) => {
      const seqs = unordered.sort((a, b) => a - b);
      const found: number[] = [];
      let before: number | undefined;
      do {
        const page = await newestOf(reader(seqs), { firstSeq: 1, lastSeq: 5_000, limit, before });
        expect(page.found.length).toBeLessThanOrEqual(limit);
        found.push(...page.found.map(({ seq }) => seq));
        before = page.next ?? undefined;
      } while (before !== undefined);
      expect(found).toEqual(seqs.reverse());
    }),
  );
});
