import { BYTES_PER_SAMPLE } from "@parlance/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSoundOrder, type SoundOrder, type SpokenSegment } from "./sound-order.ts";

const RATE = 16_000;

/** Segment `n` of an item: every sample says where it belongs. */
const soundOf = (n: number, length: number) => Int16Array.from({ length }, (_, at) => n * 1_000 + at);
const bytesOf = (samples: Int16Array) => new Uint8Array(samples.slice().buffer);

interface Spoken {
  length: number;
  last: boolean;
}

function tell(order: SoundOrder, n: number, { length, last }: Spoken, from: number, to: number): void {
  const end = to === length ? { samples: length } : {};
  const bytes = bytesOf(soundOf(n, length).subarray(from, to));
  order.part(n, { sampleRate: RATE, position: from, bytes, ...end, last, pauseMs: 100 });
}

const store = (order: SoundOrder, n: number, { length, last }: Spoken) =>
  order.stored(n, { audio: `${n}`, sampleRate: RATE, samples: length, last, pauseMs: 100 } as SpokenSegment);

/** Takes all there is: samples that are told or read go to `heard`, silences as -1. */
function listen(order: SoundOrder, spoken: readonly Spoken[], heard: number[]): "more" | "end" {
  for (let step = order.take(); step !== undefined; step = order.take()) {
    if (step.do === "end") return "end";
    if (step.do === "pause") heard.push(-1);
    else if (step.do === "tell") heard.push(...step.samples);
    else heard.push(...soundOf(Number(step.audio), spoken[Number(step.audio)]?.length ?? 0).subarray(step.from));
  }
  return "more";
}

const whole = (spoken: readonly Spoken[]) =>
  spoken.flatMap(({ length, last }, n) => [...soundOf(n, length), ...(last ? [] : [-1])]);

test("parts are told as they come, and the end of a segment needs no result", () => {
  const order = createSoundOrder();
  const spoken = [
    { length: 5, last: false },
    { length: 3, last: true },
  ];
  const heard: number[] = [];
  tell(order, 0, { length: 5, last: false }, 0, 2);
  expect(listen(order, spoken, heard)).toBe("more");
  expect(heard).toEqual([0, 1]);
  tell(order, 0, { length: 5, last: false }, 2, 5);
  tell(order, 1, { length: 3, last: true }, 0, 3);
  expect(listen(order, spoken, heard)).toBe("end");
  expect(heard).toEqual(whole(spoken));
});

test("a worker that dies midway: what was told stands, and the run after it goes on at the very next sample", () => {
  const order = createSoundOrder();
  const spoken = [{ length: 9, last: true }];
  const heard: number[] = [];
  tell(order, 0, { length: 9, last: true }, 0, 4);
  listen(order, spoken, heard);
  // Again from the beginning, in other pieces.
  for (const [from, to] of [
    [0, 3],
    [3, 6],
    [6, 9],
  ] as const)
    tell(order, 0, { length: 9, last: true }, from, to);
  expect(listen(order, spoken, heard)).toBe("end");
  expect(heard).toEqual(whole(spoken));
});

test("a part that is missed is read from what is stored, from the sample that follows", () => {
  const order = createSoundOrder();
  tell(order, 0, { length: 9, last: true }, 0, 3);
  expect(order.take()).toMatchObject({ do: "tell" });
  tell(order, 0, { length: 9, last: true }, 5, 9);
  expect(order.take()).toBeUndefined();
  store(order, 0, { length: 9, last: true });
  expect(order.take()).toEqual({ do: "read", audio: "0", sampleRate: RATE, from: 3 });
  expect(order.take()).toEqual({ do: "end" });
});

test("a run by a model of another rate is left to its result", () => {
  const order = createSoundOrder();
  tell(order, 0, { length: 9, last: true }, 0, 3);
  order.part(0, { sampleRate: 24_000, position: 3, bytes: new Uint8Array(2), samples: 4, last: true, pauseMs: 0 });
  expect(order.take()).toMatchObject({ do: "tell" });
  expect(order.take()).toBeUndefined();
});

test("what comes ahead of its turn is kept up to a bound, and read from what is stored beyond it", () => {
  const order = createSoundOrder({ mostAhead: 10 });
  const spoken = [
    { length: 4, last: false },
    { length: 8, last: false },
    { length: 8, last: true },
  ];
  const heard: number[] = [];
  tell(order, 1, { length: 8, last: false }, 0, 8);
  tell(order, 2, { length: 8, last: true }, 0, 8);
  for (const [n, each] of spoken.entries()) store(order, n, each);
  const steps: string[] = [];
  for (let step = order.take(); step !== undefined && step.do !== "end"; step = order.take()) {
    if (step.do !== "pause") steps.push(step.do);
    if (step.do === "tell") heard.push(step.samples.length);
  }
  expect(steps).toEqual(["read", "tell", "read"]);
  expect(heard).toEqual([8]);
});

const items = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 });
const happening = fc.record({
  n: fc.nat(3),
  from: fc.nat(12),
  length: fc.nat(6),
  kind: fc.constantFrom("part", "part", "part", "stored", "listen"),
});

test("whatever comes, in whatever order and how often: what is told is the beginning of the item's sound, and in the end all of it", () => {
  fc.assert(
    fc.property(
      items,
      fc.array(happening, { maxLength: 60 }),
      fc.integer({ min: 1, max: 40 }),
      (lengths, events, most) => {
        const spoken = lengths.map((length, n) => ({ length, last: n === lengths.length - 1 }));
        const order = createSoundOrder({ mostAhead: most });
        const heard: number[] = [];
        const all = whole(spoken);
        let state: "more" | "end" = "more";
        for (const { n, from, length, kind } of events) {
          const segment = spoken[n];
          if (state === "end") break;
          if (kind === "listen") state = listen(order, spoken, heard);
          else if (segment === undefined) continue;
          else if (kind === "stored") store(order, n, segment);
          else tell(order, n, segment, Math.min(from, segment.length), Math.min(from + length, segment.length));
          expect(all.slice(0, heard.length)).toEqual(heard);
        }
        for (const [n, segment] of spoken.entries()) store(order, n, segment);
        if (state === "more") state = listen(order, spoken, heard);
        expect(state).toBe("end");
        expect(heard).toEqual(all);
      },
    ),
  );
});

test("half a sample is no part", () => {
  const order = createSoundOrder();
  const bytes = new Uint8Array(BYTES_PER_SAMPLE + 1);
  order.part(0, { sampleRate: RATE, position: 0, bytes, last: true, pauseMs: 0 });
  expect(order.take()).toBeUndefined();
});
