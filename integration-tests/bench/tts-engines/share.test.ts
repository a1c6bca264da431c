import { expect, it } from "vitest";
import { CODEC_PRODUCTS } from "./model-size.ts";
import { leastTime } from "./share.ts";

const limits = { bytesPerSecond: 10e9, smallProductsPerSecond: 200e9, floatProductsPerSecond: 100e9 };
const cost = { weights: 1e9, products: 2e9 };

it("one row is bound by memory, many by products, and the codec comes on top", () => {
  const alone = leastTime({ cost, bytesPerWeight: 1, batch: 1, eightBits: true }, limits);
  expect(alone).toMatchObject({ reading: 0.1, products: 0.01, codec: CODEC_PRODUCTS / 100e9 });
  expect(alone.least).toBeCloseTo(0.1 + alone.codec);
  const many = leastTime({ cost, bytesPerWeight: 1, batch: 16, eightBits: true }, limits);
  expect(many.least).toBeCloseTo(16 * (0.01 + alone.codec));
});

it("float32 reads four times as much and multiplies at its own speed", () => {
  const work = { cost, bytesPerWeight: 4, batch: 4, eightBits: false };
  expect(leastTime(work, limits)).toMatchObject({ reading: 0.4, products: 0.08 });
});
