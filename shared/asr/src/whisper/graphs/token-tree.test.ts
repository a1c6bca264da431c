import fc from "fast-check";
import { expect, test } from "vitest";
import { createTokenTree } from "./token-tree.ts";

const shape = { layers: 2, heads: 3, size: 4 };

/** A number that tells where it belongs. */
const mark = (layer: number, row: number, head: number, token: number, at: number) =>
  layer * 1e6 + row * 1e5 + head * 1e4 + token * 10 + at;

/** `[rows, heads, nodes, size]` of every layer, of the tokens from `first` on. */
function made(rows: number, nodes: number, first: (row: number) => number): Float32Array[] {
  return Array.from({ length: shape.layers }, (_, layer) =>
    Float32Array.from({ length: rows * shape.heads * nodes * shape.size }, (_, index) => {
      const at = index % shape.size;
      const node = Math.floor(index / shape.size) % nodes;
      const head = Math.floor(index / (shape.size * nodes)) % shape.heads;
      const row = Math.floor(index / (shape.size * nodes * shape.heads));
      return mark(layer, row, head, first(row) + node, at);
    }),
  );
}

test("a row that keeps some of its places has them first, in order, and its neighbours have all of theirs", () => {
  const steps = fc.array(fc.record({ nodes: fc.integer({ min: 1, max: 9 }), drop: fc.double({ min: 0, max: 1 }) }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(steps, fc.infiniteStream(fc.double({ min: 0, max: 1 })), (all, chances) => {
      const tree = createTokenTree(shape);
      const rows = 3;
      /** Tokens of each row by their place. */
      const held: number[][] = [[], [], []];
      let said = 0;
      for (const { nodes, drop } of all) {
        const fresh = made(rows, nodes, () => said);
        tree.append(0, rows, nodes, fresh, fresh);
        for (const tokens of held) tokens.push(...Array.from({ length: nodes }, (_, node) => said + node));
        said += nodes;
        const kept = (held[1] ?? []).flatMap((_, place) => ((chances.next().value ?? 0) < drop ? [] : [place]));
        held[1] = kept.map((place) => held[1]?.[place] ?? -1);
        tree.keep(1, kept);
      }
      for (const [row, tokens] of held.entries()) {
        expect(tree.used(row)).toBe(tokens.length);
        for (let layer = 0; layer < shape.layers; layer++) {
          const stored = tree.keys(layer, row, 1);
          for (let head = 0; head < shape.heads; head++) {
            for (const [place, token] of tokens.entries()) {
              const from = (head * tree.places + place) * shape.size;
              expect(stored[from]).toBe(mark(layer, row, head, token, 0));
            }
          }
        }
      }
    }),
    { numRuns: 50 },
  );
});

test("a row fills its block when the next tokens would begin another one", () => {
  const tree = createTokenTree(shape);
  expect(tree.fills(0, 5)).toBe(false);
  const fresh = made(1, 60, () => 0);
  tree.append(0, 1, 60, fresh, fresh);
  expect([tree.fills(0, 4), tree.fills(0, 5)]).toEqual([false, true]);
  tree.keep(0, [0, 1, 2]);
  expect(tree.fills(0, 5)).toBe(false);
});
