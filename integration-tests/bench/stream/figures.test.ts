import { expect, it } from "vitest";
import { claimsOf, figuresOf, type Measured, withRowMore, worstOf } from "./figures.ts";

const first = { accepted: 0, began: 0, ended: 0, seconds: 5, rows: 1 };
const answer = (firstText: number, whole: number) => ({ sent: 0, firstText, whole, text: "a", deltas: 1, first });
const run = (speed: number) => ({ speed, segments: 4 });

const measured: Measured = {
  model: "m",
  streamed: [answer(0.5, 10), answer(0.4, 12), answer(0.6, 10.1)],
  unstreamed: [10.2, 9.9, 30],
  backlogs: [
    { withParts: run(98), without: run(100) },
    { withParts: run(50), without: run(51) },
  ],
};

it("seconds are medians, and ratios are medians of what each round has", () => {
  expect(figuresOf(measured)).toEqual({
    first_text_s: 0.5,
    whole_s: 10.1,
    whole_s_unstreamed: 10.2,
    first_text_share: 0.05,
    whole_ratio: 0.98,
    queue_throughput_kept: 0.98,
  });
});

it("every claim holds at its bound and breaks beyond it", () => {
  const figures = figuresOf(measured);
  const held = { ...figures, first_text_share: 0.05, whole_ratio: 1.02, queue_throughput_kept: 0.98 };
  const beyond = { first_text_share: 0.051, whole_ratio: 1.03, queue_throughput_kept: 0.97 };
  expect(Object.values(claimsOf([held]))).toEqual([true, true, true]);
  for (const [index, [figure, value]] of Object.entries(beyond).entries()) {
    const claims = Object.values(claimsOf([held, { ...held, [figure]: value }, held]));
    expect(claims).toEqual([0, 1, 2].map((claim) => claim !== index));
  }
});

it("where rows cost the same whatever their length, the whole may take one row more", () => {
  const figures = { ...figuresOf(measured), whole_ratio: 1.06 };
  expect(Object.values(claimsOf([figures]))[1]).toBe(false);
  expect(Object.values(claimsOf([{ ...figures, wholeRatio: withRowMore(24) }]))[1]).toBe(true);
  expect(Object.values(claimsOf([{ ...figures, whole_ratio: 1.07, wholeRatio: withRowMore(24) }]))[1]).toBe(false);
});

it("a first text within a quarter of a second is soon, whatever the whole takes", () => {
  const figures = { ...figuresOf(measured), first_text_share: 0.2 };
  expect(Object.values(claimsOf([{ ...figures, first_text_s: 0.25 }]))[0]).toBe(true);
  expect(Object.values(claimsOf([{ ...figures, first_text_s: 0.251 }]))[0]).toBe(false);
});

it("without a backlog nothing is said of throughput", () => {
  const figures = figuresOf({ ...measured, backlogs: [] });
  expect(figures.queue_throughput_kept).toBeNull();
  expect(Object.values(claimsOf([figures]))).toEqual([true, true, true]);
  expect(worstOf([figures, figuresOf(measured)]).queue_throughput_kept).toBe(0.98);
});

it("the worst of two models is told", () => {
  const figures = figuresOf(measured);
  const other = { ...figures, first_text_s: 0.1, first_text_share: 0.2, queue_throughput_kept: 1 };
  expect(worstOf([figures, other])).toEqual({ ...figures, first_text_share: 0.2 });
});

it("a figure that is no number breaks its claim", () => {
  const nothing = figuresOf({ ...measured, unstreamed: [Number.NaN] });
  expect(Object.values(claimsOf([nothing]))).toEqual([true, false, true]);
});
