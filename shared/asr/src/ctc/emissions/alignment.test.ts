import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alignLabels } from "./alignment.ts";
import type { Emissions } from "./emissions.ts";
import { createRandom, randomEmissions, spokenEmissions } from "./synthetic.ts";

/** Viterbi over all states of all frames: the score of the likeliest path that says the labels. */
function plainScore({ data, offset, frames, labels: count }: Emissions, labels: readonly number[]): number {
  const states = [0, ...labels.flatMap((label) => [label, 0])];
  let scores = states.map((_, state) => (state === 0 ? 0 : Number.NEGATIVE_INFINITY));
  for (let frame = 0; frame < frames; frame++) {
    scores = states.map((label, state) => {
      const skips = label !== 0 && states[state - 2] !== label;
      const from = [scores[state], scores[state - 1], skips ? scores[state - 2] : undefined];
      const best = Math.max(...from.map((score) => score ?? Number.NEGATIVE_INFINITY));
      return best + (data[offset + frame * count + label] ?? 0);
    });
  }
  return Math.max(...scores.slice(-2));
}

/** Of the path that an alignment stands for; minus infinity for one that does not say the labels. */
function scoreOf(emissions: Emissions, labels: readonly number[]): number {
  const { data, offset, frames, labels: count } = emissions;
  const aligned = alignLabels(emissions, labels);
  if (aligned === undefined) return Number.NEGATIVE_INFINITY;
  const path = new Array<number>(frames).fill(0);
  let end = 0;
  for (const [index, label] of labels.entries()) {
    const [from, to] = [aligned.starts[index] ?? 0, aligned.ends[index] ?? 0];
    const touches = index > 0 && labels[index - 1] === label && from === end;
    if (from < end || to <= from || touches) return Number.NaN;
    path.fill(label, from, to);
    end = to;
  }
  return path.reduce((sum, label, frame) => sum + (data[offset + frame * count + label] ?? 0), 0);
}

/** What was said, and what is to be aligned: the same, nearly, or anything, which may be more than there are frames. */
const cases = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  labels: fc.integer({ min: 2, max: 12 }),
  said: fc.integer({ min: 0, max: 60 }),
  gap: fc.integer({ min: 1, max: 4 }),
  certainty: fc.constantFrom(1, 4, 12, 40),
  changed: fc.constantFrom(0, 0.05, 0.3, 1),
  /** Asked for without regard to what was said, in as many. */
  foreign: fc.option(fc.integer({ min: 0, max: 90 }), { freq: 4 }),
  /** Of all values, what is minus infinity. */
  impossible: fc.constantFrom(0, 0, 0.02, 0.2),
  /** What lies in front of the row. */
  offset: fc.constantFrom(0, 7),
});

describe("alignLabels", () => {
  it("is as likely as the likeliest of all paths, whatever is said and whatever is asked for", () => {
    let [aligned, unaligned] = [0, 0];
    fc.assert(
      fc.property(cases, ({ seed, labels, said, gap, certainty, changed, foreign, impossible, offset }) => {
        const random = createRandom(seed);
        const any = () => 1 + Math.floor(random() * (labels - 1));
        const spoken = Array.from({ length: said }, any);
        const made = spokenEmissions(spoken, { labels, gap, certainty, random: () => 3 * random() });
        const before = Array.from({ length: offset }, () => 5 * random());
        const data = Float32Array.from([
          ...before,
          ...made.data.map((value) => (random() < impossible ? Number.NEGATIVE_INFINITY : value)),
        ]);
        const emissions = { ...made, data, offset };
        const asked =
          foreign === null
            ? spoken.map((label) => (random() < changed ? any() : label)).filter(() => random() >= changed / 3)
            : Array.from({ length: foreign }, any);
        const best = plainScore(emissions, asked);
        if (best === Number.NEGATIVE_INFINITY) {
          unaligned++;
          expect(alignLabels(emissions, asked)).toBeUndefined();
        } else {
          aligned++;
          expect(scoreOf(emissions, asked)).toBeCloseTo(best, 5);
        }
      }),
      { numRuns: 400 },
    );
    expect(Math.min(aligned, unaligned)).toBeGreaterThan(20);
  });

  it.each([
    { asked: [], frames: 1 },
    { asked: [1], frames: 1 },
    { asked: [1, 2], frames: 1 },
    { asked: [1, 2, 3], frames: 3 },
    { asked: [1, 2, 3, 1], frames: 3 },
    { asked: [1, 1], frames: 2 },
  ])("fits $asked.length labels into $frames frames, or tells that they do not fit", ({ asked, frames }) => {
    const emissions = randomEmissions(frames, 4, createRandom(5));
    const best = plainScore(emissions, asked);
    expect(scoreOf(emissions, asked)).toBeCloseTo(best, 5);
  });

  it("is right where labels are masked by huge numbers, whose sums are rounded", () => {
    const masked = -1e9;
    const rest = Array.from({ length: 99 }, () => [-0.4, -5, -5]);
    const data = [[masked, masked - 128, 0], [-200, -200, 0], [-5, -0.4, -5], ...rest].flat();
    const emissions = { data: Float32Array.from(data), offset: 0, frames: 102, labels: 3 };
    expect(alignLabels(emissions, [1])).toEqual({ starts: Int32Array.of(1), ends: Int32Array.of(3) });
  });

  it("is right with a head of more labels than there are states", () => {
    const emissions = randomEmissions(40, 60, createRandom(9), 6);
    for (const asked of [[], [7], [3, 59, 59, 1], Array.from({ length: 20 }, (_, index) => 1 + 2 * index)]) {
      expect(scoreOf(emissions, asked)).toBeCloseTo(plainScore(emissions, asked), 5);
    }
  });

  it("finds a path that begins far behind another", () => {
    // What is asked for is said at the very end; before it something like it is, so that the path there looks better for long.
    const labels = 6;
    const asked = Array.from({ length: 20 }, (_, index) => 1 + (index % 5));
    const [noise, speech] = [
      randomEmissions(300, labels, createRandom(3), 8),
      spokenEmissions(asked, { labels, gap: 1, certainty: 30 }),
    ];
    const data = Float32Array.from([...noise.data, ...speech.data]);
    const emissions = { data, offset: 0, frames: noise.frames + speech.frames, labels };
    const { starts } = alignLabels(emissions, asked) ?? { starts: new Int32Array() };
    expect(scoreOf(emissions, asked)).toBeCloseTo(plainScore(emissions, asked), 5);
    expect(starts.length).toBe(asked.length);
  });

  it("leaves nothing behind for the next: a long one, a short one and the long one again", () => {
    const labels = 8;
    const long = Array.from({ length: 900 }, (_, index) => 1 + ((index * 3) % 7));
    const emissions = spokenEmissions(long, { labels });
    const before = alignLabels(emissions, long);
    const short = spokenEmissions([1, 2], { labels });
    expect(alignLabels(short, [1, 2])).toEqual({ starts: Int32Array.of(2, 5), ends: Int32Array.of(3, 6) });
    expect(alignLabels(emissions, long)).toEqual(before);
    expect(scoreOf(emissions, long)).toBeCloseTo(plainScore(emissions, long), 5);
  });

  it("has nothing for no frames", () => {
    expect(alignLabels({ data: new Float32Array(), offset: 0, frames: 0, labels: 3 }, [])).toBeUndefined();
  });
});
