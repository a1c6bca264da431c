import { expect, test } from "vitest";
import { rowsOfRun } from "./rows-of-run.ts";

test("a run has as many rows as fit, padded to the longest, one at least, and no more than there are", () => {
  expect(rowsOfRun([5, 4, 3, 2], 32, 20)).toBe(4);
  expect(rowsOfRun([5, 4, 3, 2, 1, 1], 32, 20)).toBe(4);
  expect(rowsOfRun([5, 4, 3], 2, 20)).toBe(2);
  expect(rowsOfRun([40, 4], 32, 20)).toBe(1);
  expect(rowsOfRun([1], 32, Number.POSITIVE_INFINITY)).toBe(1);
});
