import type { Bus } from "@parlance/bus";
import { afterEach, expect, test, vi } from "vitest";
import { followSubject } from "./follow-subject.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** A bus that nothing is heard of: what is there is seen by looking. */
function rig() {
  vi.useFakeTimers();
  let tell: (connected: boolean) => void = () => undefined;
  const bus = {
    async *subscribe() {},
    flush: async () => undefined,
    onConnection(hear: (connected: boolean) => void) {
      tell = hear;
      return () => undefined;
    },
  } as unknown as Bus;
  const looks: number[] = [];
  const began = Date.now();
  const read = async function* () {
    looks.push((Date.now() - began) / 1_000);
    yield* [];
  };
  const followed = followSubject(bus, "speech.done.a.*", () => undefined, read);
  followed.keepLooking();
  return { looks, reconnect: () => tell(true) };
}

test("looks are further and further apart, up to a quarter of a minute", async () => {
  const { looks } = rig();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toEqual([2, 4, 8, 16, 31, 46]);
});

test("behind a connection that was away the next ones are soon again", async () => {
  const { looks, reconnect } = rig();
  await vi.advanceTimersByTimeAsync(40_000);
  looks.length = 0;
  reconnect();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(looks).toEqual([40, 42, 46]);
});
