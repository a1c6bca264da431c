import fc from "fast-check";
import { expect, test } from "vitest";
import { type Chunk, createChunkPlan } from "./chunk-plan.ts";

const sizes = fc
  .record({ first: fc.integer({ min: 1, max: 20 }), most: fc.integer({ min: 1, max: 300 }) })
  .map((each) => ({ ...each, most: Math.max(each.first, each.most) }));

/** All chunks of a row, asked for whenever some frames have come. */
function chunksOf(plan: ReturnType<typeof createChunkPlan>, total: number, step: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let frames = 0; ; frames = Math.min(total, frames + step)) {
    const ended = frames === total;
    for (let chunk = plan.next(frames, ended); chunk !== undefined; chunk = plan.next(frames, ended))
      chunks.push(chunk);
    if (ended) return chunks;
  }
}

test("chunks follow one another, cover every frame once, and grow to the largest", () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 900 }), (size, total) => {
      const chunks = chunksOf(createChunkPlan(size), total, 1);
      expect(chunks.at(-1)?.end).toBe(total);
      for (const [index, chunk] of chunks.entries()) {
        expect(chunk.begin).toBe(chunks[index - 1]?.end ?? 0);
        const own = chunk.end - chunk.begin;
        const whole = Math.min(size.most, size.first * 2 ** index);
        if (index < chunks.length - 1) expect(own).toBe(whole);
        else expect(own > 0 && own <= whole).toBe(true);
      }
    }),
  );
});

test("they are the same whenever they are asked for", () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 50 }), (size, length, step) => {
      expect(chunksOf(createChunkPlan(size), length, step)).toEqual(chunksOf(createChunkPlan(size), length, 1));
    }),
  );
});

test("a row without frames has none", () => {
  const plan = createChunkPlan({ first: 4, most: 100 });
  expect([plan.next(0, false), plan.next(0, true)]).toEqual([undefined, undefined]);
});
