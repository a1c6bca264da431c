import { expect, it } from "vitest";
import { natsMemory } from "./nats-memory.ts";

it("a wish is followed, none included; without one it is a share of the machine's memory, within bounds", () => {
  expect(natsMemory(1_000, 1e9)).toBe(1_000);
  expect(natsMemory(0, 64e9)).toBe(0);
  expect(natsMemory(undefined, 4e9 - 1)).toBe(256 * 2 ** 20);
  expect(natsMemory(undefined, 4e9)).toBe(512 * 2 ** 20);
  expect(natsMemory(undefined, 6e9)).toBe(750e6);
  expect(natsMemory(undefined, 64e9)).toBe(2 ** 30);
});
