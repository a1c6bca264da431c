import { expect, test } from "vitest";
import { POSITION, stepsOf, wholeFrames } from "./steps.ts";

const logs = (...frames: number[]) => Float32Array.from(frames, Math.log);
const sum = (frames: Int32Array) => frames.reduce((total, own) => total + own, 0);

test("rounding drifts by no more than half a frame", () => {
  const frames = wholeFrames(logs(8, ...Array.from({ length: 40 }, () => 10.4), 4, 4), { speed: 1, edgeFrames: 8 });
  expect(Math.abs(sum(frames) - (8 + 40 * 10.4 + 8))).toBeLessThanOrEqual(0.5);
  expect(new Set(frames.subarray(1, 41))).toEqual(new Set([10, 11]));
});

test("speed divides what is said, and leaves the silence at both ends alone", () => {
  const frames = wholeFrames(logs(8, 40, 40, 4, 4), { speed: 2, edgeFrames: 8 });
  expect([...frames]).toEqual([8, 20, 20, 4, 4]);
});

test("every symbol lasts a frame at least, and a broken duration two seconds at most", () => {
  const frames = wholeFrames(Float32Array.of(0, -20, 90, 0, 0), { speed: 1, edgeFrames: 8 });
  expect(Math.min(...frames)).toBe(1);
  expect(frames[2]).toBeLessThanOrEqual(400);
});

test("silence at the ends is cut to what the manifest allows", () => {
  const frames = wholeFrames(logs(50, 10, 50, 50), { speed: 1, edgeFrames: 8 });
  expect([...frames]).toEqual([8, 10, 4, 4]);
});

test("a step belongs to the symbol in whose time its middle lies", () => {
  const { count, index, position } = stepsOf(Int32Array.of(3, 1, 4), 2);
  expect(count).toBe(4);
  expect([...index]).toEqual([0, 1, 2, 2]);
  expect([...position.subarray(2 * POSITION, 3 * POSITION)]).toEqual(
    [1 / 4, 0.1, 0.3, 0.4].map((value) => Math.fround(value)),
  );
});
