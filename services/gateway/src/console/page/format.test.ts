import { expect, test } from "vitest";
import { bytes, clock, duration, plural } from "./format.ts";

test.each([
  [duration(0.44), "0.4 s"],
  [duration(59), "59 s"],
  [duration(185), "3 min 05 s"],
  [duration(7_800), "2 h 10 min"],
  [clock(65.25), "1:05.3"],
  [bytes(999), "999 B"],
  [bytes(1_234_567), "1.2 MB"],
  [plural(1, "item"), "1 item"],
  [plural(10_000, "item"), "10,000 items"],
])("%s", (written, wanted) => {
  expect(written).toBe(wanted);
});
