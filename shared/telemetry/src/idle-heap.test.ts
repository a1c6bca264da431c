import { expect, it } from "vitest";
import { createIdleHeap } from "./idle-heap.ts";

/** At which looks it collected, by what each was told. */
function collections(used: readonly number[]): number[] {
  const at: number[] = [];
  let look = 0;
  const heap = createIdleHeap(() => at.push(look));
  for (const [index, milliseconds] of used.entries()) {
    look = index;
    heap.look(milliseconds);
  }
  return at;
}

it("what starting up left is collected at the first rest, and then nothing until there was work", () => {
  expect(collections([5_000, 10, 10, 10])).toEqual([1]);
  expect(collections([10, 10, 10])).toEqual([0]);
});

it("each time of work is followed by one collection, when it is over", () => {
  expect(collections([10, 9_000, 20_000, 10, 10, 800, 10])).toEqual([0, 3, 6]);
});

it("while it works nothing is collected", () => {
  expect(collections([9_000, 9_000, 9_000])).toEqual([]);
});
