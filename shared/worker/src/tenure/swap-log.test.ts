import { expect, test } from "vitest";
import { createSwapLog, type Swap } from "./swap-log.ts";

const swapAt = (at: number): Swap => ({
  ...{ at, seconds: 0.5, startSeconds: 0.1, checkSeconds: 0.1, loadSeconds: 0.2, warmUpSeconds: 0.1 },
});

test("a swap says until when its model was loaded: it was let go, or the next one began", () => {
  const log = createSwapLog();
  log.add(swapAt(1_000));
  expect(log.state).toEqual({ count: 1, recent: [swapAt(1_000)] });
  log.ended(2_000);
  log.ended(9_000);
  log.add(swapAt(3_000));
  log.add(swapAt(5_000));
  expect(log.state.recent.map(({ until }) => until)).toEqual([2_000, 4_500, undefined]);
});

test("the newest are kept, and all are counted", () => {
  const log = createSwapLog();
  log.ended(1);
  for (let n = 1; n <= 100; n++) log.add(swapAt(n * 1_000));
  expect(log.state.count).toBe(100);
  expect(log.state.recent.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, (_, n) => (81 + n) * 1_000));
});
