import { expect, test } from "vitest";
import { createInputBudget } from "./input-budget.ts";

function sender(credit?: number) {
  let now = 0;
  const budget = createInputBudget(() => now, credit);
  return {
    pass: (seconds: number) => {
      now += seconds * 1_000;
    },
    /** How many seconds of it are taken. */
    send(seconds: number, each = 0.1): number {
      for (let sent = 0; sent < seconds / each; sent += 1) if (!budget.take(each)) return sent * each;
      return seconds;
    },
  };
}

test("twice as fast as it is spoken for ever, and faster for ten seconds", () => {
  const steady = sender();
  for (let second = 0; second < 600; second += 1) {
    expect(steady.send(2)).toBe(2);
    steady.pass(1);
  }
  const file = sender();
  expect(file.send(60)).toBeCloseTo(20, 0);
  file.pass(5);
  expect(file.send(60)).toBeCloseTo(10, 0);
});

test("who comes back may send again what was heard before", () => {
  expect(sender(30).send(60)).toBeCloseTo(50, 0);
});

test("tiny frames cost more than what is in them", () => {
  const tiny = sender();
  let frames = 0;
  for (let second = 0; second < 30; second += 1) {
    frames += Math.round(tiny.send(0.0625, 0.0000625) / 0.0000625);
    tiny.pass(1);
  }
  expect(frames).toBeLessThan(400 * 31 + 4_000);
});
