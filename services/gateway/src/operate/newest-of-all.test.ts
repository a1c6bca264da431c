import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Dated, newestOfAll, type Source } from "./newest-of-all.ts";

/** As few as it may, or some more. */
const sourceOf =
  (entries: readonly Dated[], generous: number): Source<Dated> =>
  async (count, before) => {
    const older = entries.filter(({ at }) => at < before).sort((a, b) => b.at - a.at);
    const found = older.slice(0, count + generous);
    return { found, since: found.length === older.length ? Number.NEGATIVE_INFINITY : (found.at(-1)?.at ?? 0) + 1 };
  };

test("pages, one behind the other, have every entry once, the newest first, wherever it lies", async () => {
  const times = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 });
  const places = fc.array(times, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 1, max: 9 }), fc.nat(4), async (of, limit, generous) => {
      const all = of.map((list, place) => list.map((at, index): Dated => ({ id: `${place}.${index}`, at })));
      const sources = all.map((entries) => sourceOf(entries, generous));
      const found: Dated[] = [];
      let before: number | undefined;
      do {
        const page = await newestOfAll(sources, { limit, before });
        const oldest = page.found.at(-1)?.at;
        // Beyond the limit there is only what came at the same moment as the last one within it.
        expect(page.found.slice(limit).every(({ at }) => at === oldest)).toBe(true);
        found.push(...page.found);
        before = page.next ?? undefined;
      } while (before !== undefined);
      expect(found.map(({ at }) => at)).toEqual(of.flat().sort((a, b) => b - a));
      expect(new Set(found.map(({ id }) => id)).size).toBe(of.flat().length);
    }),
  );
});

test("of an entry that moves on while it is looked for the place counts that it moved to", async () => {
  const sources = [5, 7].map((at) => sourceOf([{ id: "a", at }], 0));
  expect(await newestOfAll(sources, { limit: 5 })).toEqual({ found: [{ id: "a", at: 7 }], next: null });
});
