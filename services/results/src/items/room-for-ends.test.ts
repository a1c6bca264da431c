import fc from "fast-check";
import { expect, test } from "vitest";
import { createRoomForEnds } from "./room-for-ends.ts";

function stream(maxBytes: number, bytes = 0) {
  const state = { messages: 0, bytes, maxBytes, maxAgeMs: 0, firstSeq: 0, lastSeq: 0, consumers: 1 };
  let looks = 0;
  const streamState = async () => {
    looks += 1;
    return { ...state };
  };
  return { state, looks: () => looks, room: createRoomForEnds({ streamState }) };
}

test("however many ends come at once, those on their way and those that are stored leave two hundredths", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.nat(3)), { maxLength: 60 }),
      fc.integer({ min: 0, max: 990_000 }),
      async (ends, before) => {
        const { room, state } = stream(1_000_000, before);
        let sent = 0;
        const end = async ([bytes, turns]: [number, number]) => {
          const letGo = await room.take(bytes);
          if (letGo === undefined) return;
          sent += bytes;
          expect(state.bytes + sent).toBeLessThanOrEqual(980_000);
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
          state.bytes += bytes;
          sent -= bytes;
          letGo();
        };
        await Promise.all(ends.map(end));
      },
    ),
  );
});

test("room that was made is found at once, and where there is plenty nobody looks for each", async () => {
  const { state, room, looks } = stream(1_000_000, 975_000);
  expect(await room.take(10_000)).toBeUndefined();
  state.bytes = 100_000;
  for (let end = 0; end < 50; end += 1) expect(await room.take(10_000)).toBeDefined();
  expect(looks()).toBe(2);
});

test("a stream without a limit has room", async () => {
  const { room } = stream(-1);
  expect(await room.take(1e9)).toBeDefined();
});
