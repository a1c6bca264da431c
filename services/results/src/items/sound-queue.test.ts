import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSoundQueue } from "./sound-queue.ts";

function delivery() {
  const heard = { nak: 0 };
  const nak = () => {
    heard.nak += 1;
  };
  return { heard, received: [{ delivery: { nak } }] };
}

test("so many at once, in order", async () => {
  const queue = createSoundQueue({ atOnce: 2 });
  const order: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from(
      { length: 5 },
      (_, index) =>
        new Promise<void>((resolve) =>
          queue.add(delivery().received, async () => {
            order.push(index);
            most = Math.max(most, ++running);
            await pause(5);
            running -= 1;
            resolve();
          }),
        ),
    ),
  );
  expect(order).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
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
