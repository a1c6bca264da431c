import { expect, test } from "vitest";
import { createInputBudget } from "./input-budget.ts";

test("a burst of 20 seconds, then twice real time, and a burst again after a pause", () => {
  const budget = createInputBudget(0, 0);
  expect(budget.take(20, 0)).toBe(0);
  expect(budget.take(22, 0)).toBe(1_000);
  expect(budget.take(22, 1_000)).toBe(0);
  expect(budget.take(24, 2_000)).toBe(0);
  expect(budget.take(44, 60_000)).toBe(0);
  expect(budget.take(46, 60_000)).toBe(1_000);
});

test("what is heard again is not counted", () => {
  const budget = createInputBudget(100, 0);
  expect(budget.take(120, 0)).toBe(0);
  for (let to = 90; to < 120; to += 1) expect(budget.take(to, 0)).toBe(0);
  expect(budget.take(121, 0)).toBe(500);
});
