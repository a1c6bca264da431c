import { describe, expect, it } from "vitest";
import { fromHalves, halfToNumber, toHalves } from "./half-precision.ts";

describe("half precision", () => {
  it("reads every kind of number", () => {
    const cases = [0, 0x3c00, 0xc000, 0x7bff, 1, 0x0400, 0x3555, 0x7c00, 0xfc00];
    const numbers = [0, 1, -2, 65_504, 2 ** -24, 2 ** -14, 0.333251953125];
    expect(cases.map(halfToNumber)).toEqual([...numbers, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(halfToNumber(0x7e00)).toBeNaN();
  });

  it("writes what it reads, all 65,536 of them", () => {
    const halves = Uint16Array.from({ length: 65_536 }, (_, half) => half);
    const values = fromHalves(halves);
    const back = toHalves(values);
    for (const half of halves) {
      if (Number.isNaN(values[half])) expect(halfToNumber(back[half] ?? 0)).toBeNaN();
      else if (back[half] !== half) expect.fail(`${half} came back as ${back[half]}`);
    }
  });

  it("rounds to the nearest, ties to even", () => {
    const smallest = 2 ** -24;
    const cases: [value: number, half: number][] = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
      [2 - 2 ** -12, 2],
      [65_519, 65_504],
      [65_520, Number.POSITIVE_INFINITY],
      [-1e30, Number.NEGATIVE_INFINITY],
      [smallest / 2, 0],
      [smallest * 0.6, smallest],
      [smallest * 1.5, smallest * 2],
      [2 ** -14 - 2 ** -26, 2 ** -14],
      [-0.1, -0.0999755859375],
    ];
    expect([...fromHalves(toHalves(Float32Array.from(cases, ([value]) => value)))]).toEqual(
      cases.map(([, half]) => half),
    );
  });
});
