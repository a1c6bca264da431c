import { handClock } from "@parlance/bus/testing";
import type { WindowAnswer } from "@parlance/contracts";
import { expect, test } from "vitest";
import { createWindowLoop, type SentWindow } from "./window-loop.ts";

function rig() {
  const clock = handClock(10_000);
  const sent: SentWindow[] = [];
  const told: string[] = [];
  const delays: number[] = [];
  const loop = createWindowLoop({
    clock,
    everyMs: 200,
    deadlineMs: 4_000,
    send: (window) => sent.push(window),
    tell: ({ stable, tail }) => told.push(`${stable}|${tail}`),
    delayed: (ms) => delays.push(ms),
  });
  /** Somebody has spoken for so long, without a pause. */
  const speak = (spokenMs: number, itemId = "0") =>
    loop.speaks({ itemId, start: 0, spokenTo: spokenMs * 16, spokenMs });
  const answer = (window: SentWindow | undefined, stable: string, tail: string) => {
    const { itemId = "", window: n = -1 } = window ?? {};
    const heard = { outcome: "heard" as const, stable, tail, memory: { n }, language: "", model: "m", passSize: 1 };
    loop.answered({ item: itemId, window: n, startedAt: 0, finishedAt: 0, ...heard });
  };
  return { clock, sent, told, delays, loop, speak, answer };
}

test("the first window leaves when 300 ms were spoken, and no other before it is answered", () => {
  const { clock, sent, speak, answer } = rig();
  speak(299);
  clock.pass(1_000);
  expect(sent).toEqual([]);
  speak(300);
  for (let ms = 320; ms < 1_200; ms += 20) {
    clock.pass(20);
    speak(ms);
  }
  expect(sent).toMatchObject([{ window: 0, end: 4_800, memory: undefined }]);
  answer(sent[0], "", "a");
  expect(sent[1]).toMatchObject({ window: 1, end: 1_180 * 16, memory: { n: 0 } });
});

test("an early answer is followed by the next window after its time, once somebody spoke again", () => {
  const { clock, sent, speak, answer } = rig();
  speak(400);
  answer(sent[0], "", "a");
  clock.pass(10_000);
  expect(sent).toHaveLength(1);
  speak(500);
  answer(sent[1], "", "b");
  speak(600);
  clock.pass(199);
  expect(sent).toHaveLength(2);
  clock.pass(1);
  expect(sent).toHaveLength(3);
});

test("a window that nobody answers is given up at its deadline, and the delay told once a second", () => {
  const { clock, sent, delays, speak, answer } = rig();
  speak(400);
  const [first] = sent;
  clock.pass(3_999);
  speak(4_000);
  expect(sent).toHaveLength(1);
  expect(delays).toEqual([1_000, 2_000, 3_000]);
  clock.pass(1);
  expect(sent).toHaveLength(2);
  answer(first, "late", "");
  expect(sent).toHaveLength(2);
  answer(sent[1], "", "x");
  clock.pass(10_000);
  expect(delays).toEqual([1_000, 2_000, 3_000, 4_000]);
});

test("what was told as stable never changes, whatever is answered, and begins anew with each utterance", () => {
  const { clock, sent, told, loop, speak, answer } = rig();
  speak(400);
  answer(sent.at(-1), "one two", " three");
  clock.pass(200);
  speak(800);
  answer(sent.at(-1), "one too", " many");
  clock.pass(200);
  speak(1_200);
  answer(sent.at(-1), "one two three", " four");
  loop.stops();
  clock.pass(200);
  speak(400, "1");
  expect(sent.at(-1)).toMatchObject({ itemId: "1", window: 0, memory: undefined });
  answer(sent.at(-1), "five", "");
  expect(told).toEqual(["one two| three", "one two three| four", "five|"]);
});

test("an utterance's last window is waited for, and its answer told to nobody", () => {
  const { clock, sent, told, delays, loop, speak, answer } = rig();
  speak(400);
  loop.stops();
  clock.pass(300);
  speak(400, "1");
  expect(sent).toHaveLength(1);
  answer(sent[0], "too late", "");
  expect(told).toEqual([]);
  expect(sent).toMatchObject([{ itemId: "0" }, { itemId: "1" }]);
  loop.stops();
  clock.pass(10_000);
  expect(delays).toEqual([]);
});

test("a window that failed or was too late is followed by the next", () => {
  const { clock, sent, loop, speak } = rig();
  speak(400);
  const failures: WindowAnswer[] = [
    { outcome: "late", item: "0", window: 0, finishedAt: 0 },
    { outcome: "failed", item: "0", window: 1, finishedAt: 0, error: { code: "engine_failed", message: "x" } },
  ];
  for (const [n, failure] of failures.entries()) {
    clock.pass(200);
    speak(800 + n);
    loop.answered(failure);
  }
  expect(sent.map(({ window }) => window)).toEqual([0, 1, 2]);
});
