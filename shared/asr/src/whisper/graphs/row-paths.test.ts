import fc from "fast-check";
import { expect, test } from "vitest";
import { livePaths } from "./row-paths.ts";

test("texts that go on came by the same tokens as before, and nothing is kept that none of them came by", () => {
  const rows = fc.record({
    prompt: fc.nat(4),
    choices: fc.array(fc.array(fc.nat(4), { minLength: 5, maxLength: 5 }), { maxLength: 20 }),
    parents: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(rows, ({ prompt, choices, parents }) => {
      // Five texts, each step every one of which goes on from some text of the step before.
      let paths: number[][] = [[], [], [], [], []];
      let used = prompt;
      for (const step of choices) {
        paths = step.map((parent, node) => [...(paths[parent] ?? []), used + node]);
        used += 5;
      }
      const live = livePaths(paths, parents, prompt);
      expect(live.kept.slice(0, prompt)).toEqual(Array.from({ length: prompt }, (_, place) => place));
      expect(live.kept).toEqual([...new Set(live.kept)].sort((a, b) => a - b));
      const needed = new Set<number>();
      for (const parent of parents) {
        expect(live.paths[parent]?.map((place) => live.kept[place])).toEqual(paths[parent]);
        for (const place of live.paths[parent] ?? []) needed.add(place);
      }
      expect(live.kept.length).toBe(prompt + needed.size);
    }),
  );
});
