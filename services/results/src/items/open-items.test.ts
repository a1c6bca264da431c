import type { SegmentResult } from "@parlance/contracts";
import { expect, test } from "vitest";
import { createOpenItems } from "./open-items.ts";

const result = (last: boolean): SegmentResult => ({
  operation: "transcribe",
  outcome: "failed",
  last,
  submittedAt: 0,
  finishedAt: 0,
  timestamps: false,
  error: { code: "internal", message: "" },
});

test("the first result of a segment stays", () => {
  const items = createOpenItems();
  items.add("a", 0, result(false), 10);
  expect(items.add("a", 0, result(true), 10).get(0)?.last).toBe(false);
});

test("the item that grew longest ago is dropped first", () => {
  const items = createOpenItems({ maxItems: 2 });
  items.add("a", 0, result(false), 1);
  items.add("b", 0, result(false), 1);
  items.add("a", 1, result(false), 1);
  items.add("c", 0, result(false), 1);
  expect(items.size).toBe(2);
  expect(items.add("a", 2, result(false), 1).size).toBe(3);
  expect(items.add("b", 1, result(false), 1).size).toBe(1);
});

test("an item larger than the whole cache is not kept, and frees what it took", () => {
  const items = createOpenItems({ maxBytes: 100 });
  items.add("a", 0, result(false), 60);
  expect(items.add("b", 0, result(false), 101).size).toBe(1);
  expect(items.size).toBe(0);
  items.add("c", 0, result(false), 100);
  expect(items.size).toBe(1);
});
