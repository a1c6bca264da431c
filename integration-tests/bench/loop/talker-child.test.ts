import { expect, it } from "vitest";
import { beginningOf, compareCodes, framesOf, otherCodes, runTalker, type TalkerAnswer } from "./talker-child.ts";
import { prepareTalker, smallTalker } from "./talker-models.ts";

function answer(...codes: number[][]): TalkerAnswer {
  const times = { seconds: [], first_sound_s: [], every_first_sound_s: [] };
  return { load_s: 0, memory_mb: 0, codebooks: 2, batches: [{ rows: codes.length, codes, ...times }] };
}

it("the loop and the steps say the same frames, and the sound of a row in chunks is its sound in one", async () => {
  const { folder } = await prepareTalker(smallTalker);
  const order = { folder, device: "cpu", format: "float32", batches: [1, 3], frames: 6, rounds: 1 } as const;
  const loop = await runTalker({ ...order, way: "loop" });
  const step = await runTalker({ ...order, way: "step" });
  expect(compareCodes(step, loop)).toMatchObject({ share: 1, sameRows: 4 });
  for (const { codebooks, seam, batches } of [loop, step]) {
    expect(seam).toBeLessThan(1e-4);
    for (const batch of batches) {
      expect(framesOf(batch, codebooks)).toBeGreaterThan(2 * batch.rows);
      expect([batch.seconds.length, batch.first_sound_s.length]).toEqual([1, 1]);
      expect(batch.every_first_sound_s[0]).toBeGreaterThanOrEqual(batch.first_sound_s[0] ?? 0);
    }
  }
  expect(new Set(loop.batches.flatMap(({ codes }) => codes.flat())).size).toBeGreaterThan(20);
});

it("codes that part late are rounding, rows that begin otherwise are not", () => {
  const expected = answer([1, 2, 3, 4], [5, 6, 7, 8], [1, 1, 1, 1], [2, 2]);
  expect(otherCodes(expected, expected)).toBeUndefined();
  expect(otherCodes(expected, answer([1, 2, 9, 9], [5, 6], [1, 1, 1, 2], [2, 2, 2, 2]))).toBeUndefined();
  expect(otherCodes(expected, answer([1, 9, 3, 4], [5, 6, 7, 8], [1, 1, 1, 1], [2, 2]))).toBeUndefined();
  expect(otherCodes(expected, answer([1, 9, 3, 4], [5, 6, 7, 8], [1, 1, 1, 1], [3, 2]))).toBe(
    "2 of 4 rows begin with other codes, first at row 0, token 1: 9 instead of 2",
  );
});

it("of an answer the first rows and frames are compared with one that asked for fewer", () => {
  const { batches } = beginningOf(answer([1, 2, 3, 4], [5, 6, 7, 8], [9, 9]), 2, 1);
  expect(batches.map(({ codes }) => codes)).toEqual([
    [
      [1, 2],
      [5, 6],
    ],
  ]);
});
