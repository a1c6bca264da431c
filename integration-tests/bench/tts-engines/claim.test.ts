import { expect, it } from "vitest";
import { brokenClaims, comparisons, type Measured, missedAims } from "./claim.ts";
import { OWN } from "./engine-table.ts";

const exactly = (value: number) => ({ median: value, minimum: value, maximum: value });

function cell(engine: string, batch: number, speed: number, firstSound = 1, model = "a"): Measured {
  const fixed = { loadSeconds: 1, memory: 1, runs: 1 };
  return { ...fixed, model, engine, batch, speed: exactly(speed), firstSound: exactly(firstSound) };
}

it("the faster format of the peer counts, of the same model and batch", () => {
  const measured = [
    ...[cell(OWN, 1, 3, 0.5), cell("qwen-tts float32", 1, 1, 4), cell("qwen-tts bfloat16", 1, 2, 3)],
    ...[cell("qwen-tts float32", 4, 9), cell("qwen-tts float32", 1, 9, 1, "b")],
  ];
  expect(comparisons(measured)).toEqual([
    { model: "a", batch: 1, peer: "qwen-tts bfloat16", ratio: 1.5, sooner: 6, aim: 2 },
  ]);
});

it("an aim that is missed is told; being behind, or no number, breaks the claim", () => {
  const ahead = [cell(OWN, 16, 3), cell("qwen-tts float32", 16, 1)];
  expect(missedAims(ahead)).toEqual(["a, batch 16: 3.00 times the speed of qwen-tts float32, where 4 is aimed at"]);
  expect(brokenClaims(ahead)).toEqual([]);
  for (const speed of [1, 0.5, Number.NaN]) {
    expect(brokenClaims([cell(OWN, 4, speed), cell("qwen-tts float32", 4, 1)])).toHaveLength(1);
  }
});

it("a batch without an aim misses none, and an aim that is met is not told", () => {
  const measured = [4, 16].flatMap((batch) => [cell(OWN, batch, 4), cell("qwen-tts float32", batch, 1)]);
  expect(missedAims(measured)).toEqual([]);
});
