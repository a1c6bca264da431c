import { describe, expect, test } from "vitest";
import { bytesOf, type MemoryNeed, mayLoad, memoryShort } from "./memory-need.ts";

const GB = 1e9;
const MINUTE = 60_000;
const free = (gb: number) => ({ freeBytes: gb * GB, totalBytes: 80 * GB });

describe("a model needs", () => {
  test.each<[what: string, need: MemoryNeed, gb: number]>([
    ["its weights, as long as nothing else is known", { weights: 2 * GB }, 2],
    ["what it took when it was loaded", { weights: 2 * GB, taken: 3 * GB }, 3],
    ["more than was free when it ran out", { weights: 2 * GB, ranOut: { freeBytes: 4 * GB, times: 1 } }, 4.2],
    [
      "what it took, where it ran out of less",
      { weights: 2 * GB, taken: 9 * GB, ranOut: { freeBytes: GB, times: 1 } },
      9,
    ],
  ])("%s", (_, need, gb) => {
    expect(bytesOf(need) / GB).toBeCloseTo(gb);
    expect(mayLoad(need, free(gb + 0.01), 0)).toBe(true);
    expect(mayLoad(need, free(gb - 0.01), 0)).toBe(false);
  });
});

test("what does not fit is tried after a minute all the same, and after each failure later, ten minutes at most", () => {
  const waits = (times: number) => {
    const need = { weights: 2 * GB, ...(times > 0 && { ranOut: { freeBytes: GB, times } }) };
    let waitedMs = 0;
    while (!mayLoad(need, free(1), waitedMs)) waitedMs += MINUTE;
    return waitedMs / MINUTE;
  };
  expect([0, 1, 2, 3, 4, 40].map(waits)).toEqual([1, 2, 4, 8, 10, 10]);
});

test("what is told says what it needs and what there is", () => {
  const short = memoryShort("big", "cuda:1", { weights: 3.21 * GB }, free(1.5));
  expect(short).toMatchObject({ code: "memory_short", retryable: true });
  expect(short.message).toBe(
    "The model big waits for memory: it needs about 3.2 GB, and cuda:1 has 1.5 of 80.0 GB free.",
  );
  const again = memoryShort("big", "cpu", { weights: GB, ranOut: { freeBytes: 2 * GB, times: 1 } }, free(2));
  expect(again.message).toMatch(/it needs more, and cpu has 2\.0 of 80\.0 GB free/);
});
