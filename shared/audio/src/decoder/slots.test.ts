import { expect, test } from "vitest";
import { createSlots } from "./slots.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("urgent work has a place of its own, and goes first when that is taken too", async () => {
  const slots = createSlots(1);
  const first = await slots.take(false);
  const urgent = await slots.take(true);
  const order: string[] = [];
  const waiting = [
    slots.take(false).then((release) => order.push("batch") && release()),
    slots.take(true).then((release) => order.push("urgent") && release()),
  ];
  expect(slots.waiting).toBe(2);
  first();
  first();
  await settled();
  expect(order).toEqual(["urgent"]);
  urgent();
  await Promise.all(waiting);
  expect(order).toEqual(["urgent", "batch"]);
});

test("who gives up waiting leaves the queue", async () => {
  const slots = createSlots(1, 0);
  const release = await slots.take(true);
  const controller = new AbortController();
  const gone = slots.take(true, controller.signal);
  const next = slots.take(false);
  controller.abort(new Error("gone"));
  await expect(gone).rejects.toThrow("gone");
  release();
  (await next)();
  expect(slots.waiting).toBe(0);
});
