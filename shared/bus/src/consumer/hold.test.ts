import { ACK_WAIT_MS } from "@parlance/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Delivery } from "../streams/messages.ts";
import { handClock } from "../testing/hand-clock.ts";
import { createHold, type Held } from "./hold.ts";

const MINUTE = 60_000;

/** What the server hears, of the newest delivery of each message. */
function rig(onLapsed?: (held: Held) => void) {
  const clock = handClock();
  const hold = createHold({ ackWaitMs: ACK_WAIT_MS, onLapsed, clock });
  const heard: { seq: number; delivery: number; what: string; at: number }[] = [];
  const deliveries = new Map<number, number>();
  const deliver = (seq: number): Delivery => {
    const delivery = (deliveries.get(seq) ?? 0) + 1;
    deliveries.set(seq, delivery);
    const hear = (what: string) => void heard.push({ seq, delivery, what, at: clock.now() });
    return {
      subject: "speech.job.x",
      headers: { get: () => "", has: () => false, keys: () => [] },
      data: new Uint8Array(),
      seq,
      time: 0,
      deliveries: delivery,
      pending: 0,
      ack: async () => hear("ack"),
      nak: (ms) => hear(`nak ${ms}`),
      working: () => hear("working"),
      term: (reason) => hear(`term ${reason}`),
    };
  };
  const take = (seq: number): Held => {
    const held = hold.take(deliver(seq));
    if (held === undefined) throw new Error(`${seq} is held`);
    return held;
  };
  const of = (seq: number) => heard.filter((each) => each.seq === seq);
  return { clock, hold, deliver, take, heard, of };
}

test("the server hears of a message well within each ack timer, for ten minutes, whatever else comes and goes", () => {
  const { clock, take, of } = rig();
  take(1);
  for (let seq = 2; clock.now() < 10 * MINUTE; seq += 1) {
    const short = take(seq);
    clock.pass(1_700);
    short.nak(0);
  }
  const times = [0, ...of(1).map(({ at }) => at)];
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  expect(gaps.length).toBeGreaterThan(100);
  expect(Math.max(...gaps)).toBeLessThan(ACK_WAIT_MS / 2);
});

test("what is settled is settled once, and nothing more is said of it", async () => {
  const { clock, hold, take, of } = rig();
  const [acknowledged, givenBack, aside, letGo] = [take(1), take(2), take(3), take(4)];
  const acking = acknowledged.ack();
  expect(acknowledged.settled).toBe(false);
  await acking;
  givenBack.nak(5);
  aside.term("poison");
  letGo.letGo();
  for (const held of [acknowledged, givenBack, aside, letGo]) {
    expect(held.settled).toBe(true);
    held.nak(0);
  }
  expect(hold.size).toBe(0);
  clock.pass(10 * MINUTE);
  expect([1, 2, 3, 4].map((seq) => of(seq).map(({ what }) => what))).toEqual([["ack"], ["nak 5"], ["term poison"], []]);
});

test("an acknowledgement that does not arrive lets go: the message comes again", async () => {
  const { hold, deliver } = rig();
  const lost = hold.take({ ...deliver(1), ack: () => Promise.reject(new Error("the server is away")) });
  await expect(lost?.ack()).rejects.toThrow("away");
  expect(hold.size).toBe(0);
});

test("a message that is delivered again is the same one, settled by its newest delivery", async () => {
  const { clock, hold, deliver, take, of } = rig();
  const held = take(1);
  expect(hold.take(deliver(1))).toBeUndefined();
  expect(held.deliveries).toBe(2);
  clock.pass(ACK_WAIT_MS / 3);
  await held.ack();
  expect(of(1).map(({ what, delivery }) => `${what} ${delivery}`)).toEqual(["working 2", "ack 2"]);
  expect(hold.take(deliver(1))).toBeDefined();
});

test("after a stop of a whole timer a message is somebody else's: nothing is said of it, until it comes here again", () => {
  const lapsed: number[] = [];
  const { clock, hold, deliver, take, of } = rig((held) => lapsed.push(held.seq));
  const [first, second] = [take(1), take(2)];
  clock.pass(ACK_WAIT_MS - 1);
  clock.stopFor(ACK_WAIT_MS);
  clock.pass(MINUTE);
  expect(lapsed).toEqual([1, 2]);
  const before = of(1).length;
  expect(hold.take(deliver(1))).toBeUndefined();
  clock.pass(ACK_WAIT_MS / 3);
  expect(of(1).length).toBe(before + 1);
  second.nak(0);
  first.nak(0);
  expect([of(1).at(-1)?.what, of(2).at(-1)?.what]).toEqual(["nak 0", "working"]);
});

test("nothing ticks while nothing is held", () => {
  const { clock, take, heard } = rig();
  take(1).letGo();
  clock.pass(10 * MINUTE);
  expect(heard).toEqual([]);
});

test("for every order of events a message is held once, and hears nothing after its end", () => {
  const event = fc.record({
    seq: fc.integer({ min: 1, max: 3 }),
    what: fc.constantFrom("deliver", "nak", "term", "letGo", "pass", "stop"),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const { clock, hold, deliver, heard } = rig((held) => {
        // As who has not begun with it.
        if (held.seq === 3) held.letGo();
      });
      const open = new Map<number, Held>();
      for (const { seq, what } of events) {
        const mine = open.get(seq);
        const isHeld = mine !== undefined && !mine.settled;
        const count = heard.length;
        if (what === "deliver") {
          const taken = hold.take(deliver(seq));
          expect(taken === undefined).toBe(isHeld);
          if (taken !== undefined) open.set(seq, taken);
        } else if (what === "pass") clock.pass(ACK_WAIT_MS / 2);
        else if (what === "stop") clock.stopFor(ACK_WAIT_MS * 2);
        else {
          if (what === "nak") mine?.nak(0);
          if (what === "term" && isHeld) mine?.term("x");
          if (what === "letGo") mine?.letGo();
          if (!isHeld) expect(heard.length).toBe(count);
          expect(mine?.settled).not.toBe(false);
        }
        expect(hold.size).toBe([...open.values()].filter(({ settled }) => !settled).length);
      }
    }),
  );
});
