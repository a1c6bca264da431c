import { expect, it } from "vitest";
import { claimsOf, figuresOf, type Measured, mostUnder, nextLevel } from "./figures.ts";
import type { Lags } from "./speakers.ts";

const lags = (partial: number[], over: Partial<Lags> = {}): Lags => {
  const none = { sessions: 10, final: [100, 200], gaps: [250, 400], words: 4, answers: 9, seconds: 10 };
  return { ...none, speaking: 8, failed: 0, partial, ...over };
};

const measured: Measured = {
  model: "m",
  alone: lags([100, 200, 300]),
  loaded: lags([400]),
  backlogAlone: 200,
  backlogBeside: 20,
  levels: [
    { sessions: 10, p95: 200 },
    { sessions: 20, p95: 400 },
    { sessions: 15, p95: 250 },
  ],
  overloaded: { ...lags([900], { sessions: 20, gaps: [500, 1_200] }), wanted: 100, got: 40 },
};

it("figures are quantiles, shares and the longest wait", () => {
  expect(figuresOf(measured)).toEqual({
    partial_ms_p50: 200,
    partial_ms_p95: 290,
    partial_ms_p95_loaded: 400,
    final_ms_p95: 195,
    batch_share_kept: 0.1,
    sessions_at_300ms: 15,
    longest_gap_ms_overloaded: 1_200,
  });
  const less = figuresOf({ ...measured, levels: [], overloaded: undefined });
  expect([less.sessions_at_300ms, less.longest_gap_ms_overloaded]).toEqual([null, null]);
});

it("the most sessions are searched by doubling and then by halving, to a quarter", () => {
  const limit = (most: number) => {
    const levels: Measured["levels"] = [];
    for (let next = nextLevel(levels, 64); next !== undefined; next = nextLevel(levels, 64)) {
      levels.push({ sessions: next, p95: next <= most ? 200 : 300 });
      expect(levels.length).toBeLessThan(12);
    }
    return mostUnder(levels);
  };
  for (let most = 0; most <= 80; most += 1) {
    const found = limit(most);
    expect(found).toBeLessThanOrEqual(Math.min(most, 64));
    expect(Math.min(most, 64) - found).toBeLessThanOrEqual(Math.max(1, found / 4));
  }
});

it("every claim holds at its bound and breaks beyond it", () => {
  const { overloaded } = measured;
  if (overloaded === undefined) throw new Error("there is no such run");
  // A turn of all 20 takes half a second at 40 answers a second.
  const held = { ...figuresOf(measured), partial_ms_p95: 300, partial_ms_p95_loaded: 550 };
  const alone = { ...measured.alone, gaps: [200, 300] };
  const fair = { ...overloaded, gaps: [1_800] };
  const holds = (figures = held, runs = [fair]) =>
    Object.values(
      claimsOf(
        figures,
        runs.map((run) => ({ alone, overloaded: run })),
      ),
    );
  expect(holds()).toEqual([true, true, true]);
  expect(holds({ ...held, partial_ms_p95: 301 })).toEqual([false, true, true]);
  expect(holds({ ...held, partial_ms_p95_loaded: 551 })).toEqual([true, false, true]);
  expect(holds(held, [{ ...fair, gaps: [1_801] }])).toEqual([true, true, false]);
  expect(holds(held, [{ ...fair, wanted: 99 }])).toEqual([true, true, false]);
  expect(holds(held, [])).toEqual([true, true, false]);
});
