import { expect, test } from "vitest";
import { createStallWatch } from "./stall-watch.ts";

/** Seconds at which it is due, of so many. */
function dueAt(seconds: number, sentAt: (second: number) => number, heardAt: (second: number) => number): number[] {
  const watch = createStallWatch();
  const due: number[] = [];
  let told = 0;
  let again = 0;
  for (let second = 1; second <= seconds; second += 1) {
    if (heardAt(second) > heardAt(second - 1)) {
      watch.progressed();
      told = second;
    }
    const state = { sent: sentAt(second), heard: heardAt(second) };
    if (!watch.isDue({ ...state, silentMs: (second - told) * 1_000, sinceAgainMs: (second - again) * 1_000 })) continue;
    again = second;
    due.push(second);
  }
  return due;
}

test("nothing is sent again while it is heard", () => {
  expect(
    dueAt(
      60,
      (second) => second * 16_000,
      (second) => second * 16_000 - 8_000,
    ),
  ).toEqual([]);
});

test("what nobody hears is sent again, ever more seldom", () => {
  expect(
    dueAt(
      60,
      (second) => second * 16_000,
      () => 0,
    ),
  ).toEqual([4, 11, 24, 40, 56]);
});

test("of a caller who pauses the same is sent again twice", () => {
  expect(
    dueAt(
      600,
      () => 16_000,
      () => 12_000,
    ),
  ).toEqual([4, 11]);
});
