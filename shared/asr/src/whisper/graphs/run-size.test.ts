import fc from "fast-check";
import { expect, it } from "vitest";
import { createRunSize, evenly } from "./run-size.ts";

const sizeOf = (computeType: "float32" | "int8", threads: number) =>
  createRunSize({ section: { layers: 12, width: 768, vocabulary: 51_865 }, places: 1_500, computeType, threads });

it("lets a batch of a small Whisper's rows say a token in one run on two cores, and cuts beams and prompts", () => {
  const size = sizeOf("float32", 2);
  expect(size.rows(1)).toBeGreaterThanOrEqual(16);
  expect(size.rows(5)).toBeLessThan(16);
  expect(size.nodes(1)).toBeLessThan(224);
  expect(sizeOf("int8", 2).nodes(1)).toBeGreaterThan(2 * size.nodes(1));
  expect(sizeOf("float32", 8).rows(5)).toBeGreaterThanOrEqual(4 * size.rows(5));
});

it("has a row and a node in every run, however slow they are", () => {
  const size = createRunSize({
    ...{
      section: { layers: 320, width: 12_800, vocabulary: 51_865 },
      places: 1_500,
      computeType: "float32",
      threads: 1,
    },
  });
  expect([size.rows(1), size.rows(100), size.nodes(1), size.nodes(100)]).toEqual([1, 1, 1, 1]);
});

it("pieces are about the same size, and none is larger than it may be", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 100 }), (count, most) => {
      const pieces = evenly(count, most);
      expect(pieces.reduce((sum, size) => sum + size, 0)).toBe(count);
      expect(Math.max(...pieces)).toBeLessThanOrEqual(Math.max(1, most));
      expect(Math.max(...pieces) - Math.min(...pieces)).toBeLessThanOrEqual(1);
    }),
  );
});
