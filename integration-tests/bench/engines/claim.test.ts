import { expect, it } from "vitest";
import { brokenClaims, comparisons, type Measured } from "./claim.ts";

const exactly = (value: number) => ({ median: value, minimum: value, maximum: value });

function cell(engine: string, speed: number, more: Partial<Measured> = {}): Measured {
  const fixed = { model: "whisper-base", beams: 1, batch: 16, runs: 1, memory: 1, loadSeconds: 1 } as const;
  return { ...fixed, engine, speed: exactly(speed), efficiency: exactly(speed / 2), ...more };
}

it("a peer that is as fast or faster at batch 16 breaks the claim and is named with the ratio", () => {
  const measured = [cell("parlance int8", 10), cell("fast", 12.5), cell("slow", 5), cell("even", 10)];
  expect(brokenClaims(measured)).toEqual([
    "whisper-base, batch 16: parlance is not ahead of fast (0.80 times its speed)",
    "whisper-base, batch 16: parlance is not ahead of even (1.00 times its speed)",
  ]);
});

it("peers are compared with the same model, batch and beams only", () => {
  const measured = [
    ...[cell("parlance int8", 10), cell("parlance int8", 4, { beams: 5 })],
    ...[cell("peer", 5), cell("peer", 3, { beams: 5 })],
    ...[cell("peer", 50, { batch: 1 }), cell("peer", 50, { model: "whisper-small" }), cell("peer", 50, { beams: 3 })],
  ];
  expect(comparisons(measured, 16).map(({ own, ratio }) => [own.beams, ratio])).toEqual([
    [1, 2],
    [5, 4 / 3],
  ]);
  expect(brokenClaims(measured)).toEqual([]);
});

it("a speed that is no number breaks the claim", () => {
  expect(brokenClaims([cell("parlance int8", Number.NaN), cell("peer", 1)])).toHaveLength(1);
});
