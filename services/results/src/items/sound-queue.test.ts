import { setTimeout as pause } from "node:timers/promises";
import type { Delivery } from "@parlance/bus";
import { expect, test } from "vitest";
import { createSoundQueue } from "./sound-queue.ts";

function delivery() {
  const heard = { working: 0, nak: 0 };
  const each: Pick<Delivery, "working" | "nak"> = {
    working: () => {
      heard.working += 1;
    },
    nak: () => {
      heard.nak += 1;
    },
  };
  return { heard, received: [{ delivery: each as Delivery }] };
}

test("so many at once, in order, and the server hears of all of them meanwhile", async () => {
  const queue = createSoundQueue({ atOnce: 2, workingEveryMs: 10 });
  const items = Array.from({ length: 5 }, delivery);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const done = Promise.all(
    items.map(
      ({ received }, index) =>
        new Promise<void>((resolve) =>
          queue.add(received, async () => {
            order.push(index);
            most = Math.max(most, ++running);
            await pause(30);
            running -= 1;
            resolve();
          }),
        ),
    ),
  );
  await done;
  expect(order).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
  expect(items[4]?.heard.working).toBeGreaterThan(2);
  await queue.close();
});

test("closing ends what runs and gives back what waits", async () => {
  const queue = createSoundQueue({ atOnce: 1 });
  const [first, second, late] = [delivery(), delivery(), delivery()];
  let ended = false;
  queue.add(first.received, async () => {
    await pause(20);
    ended = true;
  });
  queue.add(second.received, async () => expect.unreachable());
  await queue.close();
  queue.add(late.received, async () => expect.unreachable());
  expect(ended).toBe(true);
  expect([first.heard.nak, second.heard.nak, late.heard.nak]).toEqual([0, 1, 1]);
});
