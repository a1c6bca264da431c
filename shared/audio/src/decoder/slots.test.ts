import fc from "fast-check";
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

test("whatever work takes, no more places are taken than there are but by one alone, in the order in which it came", async () => {
  const works = fc.array(fc.record({ urgent: fc.boolean(), count: fc.integer({ min: 1, max: 12 }) }), {
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(works, fc.nat(5), fc.infiniteStream(fc.nat(19)), async (wanted, reserved, choices) => {
      const places = 8;
      const slots = createSlots(places, reserved);
      const running: { index: number; release: () => void }[] = [];
      const begun: number[] = [];
      const tooMany: number[] = [];
      for (const [index, { urgent, count }] of wanted.entries()) {
        void slots.take(urgent, undefined, count).then((release) => {
          running.push({ index, release });
          begun.push(index);
          const sum = running.reduce((all, each) => all + (wanted[each.index]?.count ?? 0), 0);
          if (running.length > 1 && sum > places + reserved) tooMany.push(index);
        });
      }
      await settled();
      while (running.length > 0) {
        const [ended] = running.splice((choices.next().value ?? 0) % running.length, 1);
        ended?.release();
        await settled();
      }
      expect(slots.waiting).toBe(0);
      expect(tooMany).toEqual([]);
      expect(begun.toSorted((a, b) => a - b)).toEqual([...wanted.keys()]);
      for (const urgent of [true, false]) {
        const alike = begun.filter((index) => wanted[index]?.urgent === urgent);
        expect(alike).toEqual(alike.toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 100 },
  );
});
