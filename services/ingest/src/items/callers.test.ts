import { expect, test } from "vitest";
import { noteCallers } from "./callers.ts";

test("somebody waits for ten seconds from a request on, and while a live session is open", () => {
  let time = 0;
  const callers = noteCallers(() => time);
  expect(callers.wait()).toBe(false);
  callers.noteRequest();
  time = 9_999;
  expect(callers.wait()).toBe(true);
  time = 10_000;
  expect(callers.wait()).toBe(false);
  callers.noteSessions(2);
  time = 60_000;
  expect(callers.wait()).toBe(true);
  callers.noteSessions(0);
  expect(callers.wait()).toBe(false);
});
