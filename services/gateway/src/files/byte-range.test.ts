import fc from "fast-check";
import { expect, test } from "vitest";
import { isKnown, isSameFile, readRange } from "./byte-range.ts";

test.each([
  ["bytes=0-0", { start: 0, end: 1 }],
  ["bytes=2-5", { start: 2, end: 6 }],
  ["bytes=8-", { start: 8, end: 10 }],
  ["bytes=8-99", { start: 8, end: 10 }],
  ["bytes=-3", { start: 7, end: 10 }],
  ["bytes=-99", { start: 0, end: 10 }],
  ["BYTES = 1 - 2", { start: 1, end: 3 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["", undefined],
  ["bytes=-", undefined],
  ["bytes=5-2", undefined],
  ["bytes=0-1,3-4", undefined],
  ["lines=0-1", undefined],
  ["bytes=a-b", undefined],
  ["bytes=0x1-2", undefined],
])("%j of ten bytes is %o", (header, range) => {
  expect(readRange(header, 10)).toEqual(range);
});

test("what is asked for lies in the file, whatever the header holds", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,4}-\d{0,4}$/)), fc.nat(2_000), (header, bytes) => {
      const range = readRange(header, bytes);
      if (range === undefined || range === "unsatisfiable") return true;
      return range.start >= 0 && range.start < range.end && range.end <= bytes;
    }),
  );
});

test("an ETag says whether it is the same file", () => {
  expect(isSameFile("", '"a"')).toBe(true);
  expect(isSameFile('"a"', '"a"')).toBe(true);
  expect(isSameFile('W/"a"', '"a"')).toBe(false);
  expect(isSameFile("Sat, 21 Nov 2026 16:00:00 GMT", '"a"')).toBe(false);
  expect(isKnown("", '"a"')).toBe(false);
  expect(isKnown('"b", W/"a"', '"a"')).toBe(true);
});
