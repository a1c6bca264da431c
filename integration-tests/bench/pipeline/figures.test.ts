import { expect, it } from "vitest";
import { claimsOf, compared, figuresOf, type Measured } from "./figures.ts";

const measured: Measured = {
  large: compared([100, 100, 100], [98, 90, 97], [16, 15]),
  embedded: compared([800], [600], [14, 16]),
  latency: { direct: [5, 6, 7], through: [10, 16, 22] },
  behind: {
    waits: [100, 200, 300],
    rounds: [
      { beside: 90, alone: 100 },
      { beside: 96, alone: 100 },
      { beside: 99, alone: 100 },
    ],
  },
};

it("figures are medians of the rounds' ratios, and quantiles of all requests", () => {
  expect(figuresOf(measured)).toEqual({
    pipeline_ratio: 0.97,
    pipeline_ratio_embedded: 0.75,
    mean_pass_size: 15.25,
    added_ms_p50: 10,
    added_ms_p95: 15.4,
    behind_backlog_ms_p50: 200,
    behind_backlog_ms_p95: 290,
    backlog_kept: 0.96,
  });
});

it("claims fail where a figure misses its aim", () => {
  expect(Object.values(claimsOf(figuresOf(measured)))).toEqual([true, false, true, true, false, true]);
});
