import { expect, test } from "vitest";
import { bytes, clock, deviceName, duration, languageName, moment, plural, shortId } from "./format.ts";

test.each([
  [duration(0.04), "40 ms"],
  [duration(0.44), "0.4 s"],
  [duration(59), "59 s"],
  [duration(185), "3 min 05 s"],
  [duration(7_800), "2 h 10 min"],
  [clock(65.25), "1:05.3"],
  [bytes(999), "999 B"],
  [bytes(1_234_567), "1.2 MB"],
  [plural(1, "item"), "1 item"],
  [plural(10_000, "item"), `${(10_000).toLocaleString()} items`],
  [moment("2026-05-04T13:05:09", new Date("2026-05-04T20:00:00"), "de"), "13:05:09"],
  [moment("2026-05-03T13:05:09", new Date("2026-05-04T20:00:00"), "de"), "03.05.2026, 13:05"],
  [languageName("en"), "English"],
  [languageName("Chinese"), "Chinese"],
  [deviceName("cpu"), "the CPU"],
  [deviceName("cuda:0"), "cuda:0"],
  [shortId("01a2037c-7897-7e1a-abc1-f9856ba9cbd3"), "6ba9cbd3"],
  [shortId("monday"), "monday"],
])("%s", (written, wanted) => {
  expect(written).toBe(wanted);
});
