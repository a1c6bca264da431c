import type { Readiness } from "@parlance/bus";
import { SpeechError } from "@parlance/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createWhyWaiting } from "./why-waiting.ts";

const well: Readiness = { workers: 1, problem: undefined, download: undefined };
const nobody: Readiness = { ...well, workers: 0 };
const broken: Readiness = { ...well, problem: new SpeechError("model_not_ready", "It is not there.") };
const wanted = new Set(["transcribe"] as const);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Answers `said` of any model; counts how often an answer was waited for. */
function answering(said: Readiness) {
  const workers = {
    said,
    waited: 0,
    lately: async () => workers.said,
    async now() {
      workers.waited += 1;
      return workers.said;
    },
  };
  return workers;
}

test("a worker that was well and does not answer for a moment is no reason, and nobody waits for it", async () => {
  const workers = answering(well);
  const why = createWhyWaiting(workers);
  expect(await why(wanted)).toBeUndefined();
  workers.said = nobody;
  vi.advanceTimersByTime(4_000);
  expect(await why(wanted)).toBeUndefined();
  expect(workers.waited).toBe(0);
  vi.advanceTimersByTime(2_000);
  expect(await why(wanted)).toBe("No asr worker answers.");
  expect(workers.waited).toBeGreaterThan(0);
});

test("who never answered, or said that something is wrong, is a reason at once", async () => {
  const workers = answering(nobody);
  const why = createWhyWaiting(workers);
  expect(await why(wanted)).toBe("No asr worker answers.");
  workers.said = well;
  expect(await why(wanted)).toBeUndefined();
  workers.said = broken;
  expect(await why(wanted)).toBe("It is not there.");
  workers.said = nobody;
  expect(await why(wanted)).toBe("No asr worker answers.");
});
