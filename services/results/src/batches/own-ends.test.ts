import { expect, test } from "vitest";
import { createOwnEnds } from "./own-ends.ts";

test("an end is under way until all who publish it have settled, and each is told", () => {
  const ends = createOwnEnds();
  const heard: unknown[] = [];
  ends.follow((batchId, itemId, said) => heard.push([batchId, itemId, said?.status]));
  const [first, again] = [ends.begin("b", "0"), ends.begin("b", "0")];
  expect([ends.isUnderWay("b", "0"), ends.isUnderWay("b", "1")]).toEqual([true, false]);
  first({ status: "done" });
  expect(ends.isUnderWay("b", "0")).toBe(true);
  again(undefined);
  expect(ends.isUnderWay("b", "0")).toBe(false);
  expect(heard).toEqual([
    ["b", "0", "done"],
    ["b", "0", undefined],
  ]);
});
