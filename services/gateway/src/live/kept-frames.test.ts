import fc from "fast-check";
import { expect, test } from "vitest";
import { createKeptFrames, type KeptFrame } from "./kept-frames.ts";

const frame = (position: number, samples: number): KeptFrame => ({ position, samples, bytes: new Uint8Array(samples) });

test("whatever is not final is kept, in order and without a hole, up to its limit", () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ finalShare: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const kept = createKeptFrames(1_000);
      let sent = 0;
      let final = 0;
      for (const each of steps) {
        if ("add" in each) {
          kept.add(frame(sent, each.add));
          sent += each.add;
        } else {
          final += Math.floor((sent - final) * each.finalShare);
          kept.finalUpTo(final);
        }
        expect(kept.samples).toBeLessThanOrEqual(1_000);
        const frames = kept.from(final);
        let at = frames[0]?.position ?? sent;
        if (sent - final <= 700) expect(at).toBeLessThanOrEqual(final === sent ? sent : final);
        for (const { position, samples } of frames) {
          expect(position).toBe(at);
          at += samples;
        }
        expect(at).toBe(sent);
      }
    }),
  );
});

test("what is said without audio is kept with its place, until what follows is final", () => {
  const kept = createKeptFrames(1_000);
  kept.add(frame(0, 100));
  kept.add({ ...frame(100, 0), sign: "finalize" });
  kept.add(frame(100, 50));
  expect(kept.from(40).map(({ position, sign }) => [position, sign])).toEqual([
    [0, undefined],
    [100, "finalize"],
    [100, undefined],
  ]);
  kept.finalUpTo(100);
  expect(kept.from(100).map(({ sign }) => sign)).toEqual([undefined]);
});
