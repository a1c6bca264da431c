import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameLine, type FrameLine, type LinePiece } from "./frame-line.ts";

const options = { waitMs: 500, mostWaiting: 1_000, mostMissing: 5_000 };

/** What a session heard: sample numbers, and what stood for those that were missing. */
function hear(pieces: readonly LinePiece<number[]>[]): (number | "silence")[] {
  return pieces.flatMap((piece): (number | "silence")[] =>
    piece.kind === "frame"
      ? piece.content.slice(piece.skip)
      : Array.from({ length: piece.to - piece.from }, () => "silence" as const),
  );
}

const frame = (position: number | undefined, from: number, samples: number) => ({
  position,
  samples,
  content: Array.from({ length: samples }, (_, at) => from + at),
});

function settle(line: FrameLine<number[]>): (number | "silence")[] {
  return hear(line.settle(Number.MAX_SAFE_INTEGER));
}

test("frames in any order, again and again, and overlapping: each sample is heard once, in its order", () => {
  const pieces = fc.array(fc.record({ position: fc.nat(400), samples: fc.nat(60) }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(pieces, (frames) => {
      const line = createFrameLine<number[]>(0, options);
      const heard = frames.flatMap(({ position, samples }) => hear(line.take(frame(position, position, samples), 0)));
      heard.push(...settle(line));
      const sent = new Set(frames.flatMap(({ position, samples }) => frame(position, position, samples).content));
      const end = Math.max(...frames.map(({ position, samples }) => position + samples));
      // Where a frame that waited behind a hole had a position alone, nothing is missing up to it that was sent.
      expect(heard).toEqual(Array.from({ length: heard.length }, (_, at) => (sent.has(at) ? at : "silence")));
      expect(heard.length).toBe(end);
      expect(line.next).toBe(end);
      expect(line.dueAt).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test("frames without positions follow each other, also behind one that waits", () => {
  const line = createFrameLine<number[]>(0, options);
  expect(hear(line.take(frame(undefined, 0, 10), 0))).toHaveLength(10);
  expect(line.take(frame(20, 20, 10), 0)).toEqual([]);
  expect(line.take(frame(undefined, 30, 10), 0)).toEqual([]);
  expect(hear(line.take(frame(10, 10, 10), 0))).toEqual(Array.from({ length: 30 }, (_, at) => at + 10));
});

test("a missing frame is waited for until its time is over, and what comes after that is passed over", () => {
  const line = createFrameLine<number[]>(0, options);
  line.take(frame(10, 10, 10), 1_000);
  expect(line.dueAt).toBe(1_500);
  expect(line.settle(1_499)).toEqual([]);
  expect(line.settle(1_500)[0]).toEqual({ kind: "gap", from: 0, to: 10 });
  const [late] = line.take(frame(0, 0, 10), 1_600);
  expect(late).toMatchObject({ kind: "frame", skip: 10 });
  expect(line.next).toBe(20);
});

test("no more waits behind a hole than may, and a position out of reach is refused and changes nothing", () => {
  const line = createFrameLine<number[]>(0, options);
  expect(line.take(frame(100, 100, 1_000), 0)).toEqual([]);
  expect(() => line.take(frame(9_000, 9_000, 10), 0)).toThrow(/^position: 9000 is too far from 0/);
  expect(line.take(frame(undefined, 1_100, 1), 0)[0]).toEqual({ kind: "gap", from: 0, to: 100 });
  expect(line.next).toBe(1_101);
});

test("what a frame says is told in its order, without audio and where its audio was heard before", () => {
  const line = createFrameLine<number[]>(0, options);
  line.take(frame(0, 0, 10), 0);
  expect(line.take(frame(undefined, 10, 0), 0)).toMatchObject([{ position: 10, samples: 0, skip: 0 }]);
  expect(line.take(frame(0, 0, 5), 0)).toMatchObject([{ position: 0, samples: 5, skip: 5 }]);
});
