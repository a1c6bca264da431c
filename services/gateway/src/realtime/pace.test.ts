import fc from "fast-check";
import { expect, it } from "vitest";
import { createInputBudget } from "../live/input-budget.ts";
import { createPace } from "./pace.ts";

it("whoever waits as he is told is never too fast for a live session, and is never kept for ever", () => {
  const seconds = fc.array(
    fc.integer({ min: 1, max: 2_000 }).map((ms) => ms / 1_000),
    { minLength: 50, maxLength: 200 },
  );
  fc.assert(
    fc.property(seconds, (frames) => {
      let now = 0;
      const pace = createPace(() => now);
      const budget = createInputBudget(() => now);
      let sent = 0;
      for (const frame of frames) {
        for (let waits = 0; pace.waitMs(frame) > 0; waits += 1) {
          expect(waits).toBeLessThan(3);
          now += pace.waitMs(frame);
        }
        expect(budget.take(frame)).toBe(true);
        pace.sent(frame);
        sent += frame;
        pace.heard(sent);
      }
      expect(now / 1_000).toBeLessThanOrEqual(sent / 1.9);
    }),
  );
});

it("nothing goes on while twenty seconds are not heard", () => {
  let now = 0;
  const pace = createPace(() => now);
  for (let sent = 0; sent < 20; sent += 2) {
    now += pace.waitMs(2);
    pace.sent(2);
  }
  now += 60_000;
  expect(pace.waitMs(0.1)).toBeGreaterThan(0);
  pace.heard(1);
  expect(pace.waitMs(0.1)).toBe(0);
});
