import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { samplesAsBytes } from "./pcm.ts";
import { createSegmenter, type Segment } from "./segment.ts";
import { expandSeconds, limitOf, type SegmentLimits } from "./segment-limits.ts";

function segmentStream(
  audio: Int16Array,
  limit: number | SegmentLimits,
  steps: readonly number[],
  boundaries?: readonly number[],
): Segment[] {
  const limits = typeof limit === "number" ? { segmentSeconds: limit } : limit;
  const segmenter = createSegmenter(limits, 16_000, boundaries);
  const segments: Segment[] = [];
  for (let at = 0, turn = 0; at < audio.length; turn += 1) {
    const step = steps[turn % steps.length] ?? 1;
    segments.push(...segmenter.push(audio.subarray(at, at + step)));
    at += step;
  }
  return [...segments, ...segmenter.end()];
}

/** The rule over a whole array, word by word: facts of the official splitter, with nothing made faster. */
function splitByTheRule(audio: Int16Array, seconds: number | SegmentLimits): { start: number; end: number }[] {
  const limits = typeof seconds === "number" ? { segmentSeconds: seconds } : seconds;
  const rate = 16_000;
  const window = Math.max(4, rate / 10);
  const chunks: { start: number; end: number }[] = [];
  let start = 0;
  for (;;) {
    const maxSeconds = limitOf(limits, chunks.length);
    const maxLength = maxSeconds * rate;
    const expand = Math.min(5, maxSeconds / 2) * rate;
    const remaining = audio.length - start;
    if (maxSeconds < limits.segmentSeconds ? remaining < maxLength + expand : remaining <= maxLength) break;
    const cut = start + maxLength;
    const left = Math.max(start, cut - expand);
    const right = Math.min(audio.length, cut + expand);
    let boundary = cut;
    if (right - left > window) {
      const absolute = Array.from(audio.subarray(left, right), Math.abs);
      const prefix = [0];
      for (const value of absolute) prefix.push((prefix.at(-1) ?? 0) + value);
      const sums = Array.from(
        { length: absolute.length - window + 1 },
        (_, at) => (prefix[at + window] ?? 0) - (prefix[at] ?? 0),
      );
      const quietest = sums.indexOf(sums.reduce((a, b) => Math.min(a, b)));
      const inside = absolute.slice(quietest, quietest + window);
      boundary = left + quietest + inside.indexOf(Math.min(...inside));
    }
    boundary = Math.min(Math.max(boundary, start + 1), audio.length);
    chunks.push({ start, end: boundary });
    start = boundary;
  }
  chunks.push({ start, end: audio.length });
  return chunks;
}

/** Noise whose loudness wanders, with stretches of exact silence: near ties and exact ties both occur. */
function noise(seconds: number, seed: number): Int16Array {
  let state = seed >>> 0 || 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const audio = new Int16Array(Math.round(seconds * 16_000));
  let loudness = 1_000;
  for (let at = 0; at < audio.length; at += 1) {
    if (at % 3_000 === 0) loudness = random() < 0.2 ? 0 : random() * 4_000;
    audio[at] = (random() * 2 - 1) * loudness;
  }
  return audio;
}

describe("segments of long audio", () => {
  test("are those of the official rule, whatever the stream is cut into", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 70, noNaN: true }),
        fc.constantFrom(3, 6, 11, 25),
        fc.integer(),
        fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 5 }),
        (seconds, limit, seed, steps) => {
          const audio = noise(seconds, seed);
          const segments = segmentStream(
            audio,
            limit,
            steps.map((step) => Math.max(step, 500)),
          );
          expect(segments.map(({ start, length }) => ({ start, end: start + length }))).toEqual(
            splitByTheRule(audio, limit),
          );
          for (const { start, length, samples } of segments) {
            expect(samples.subarray(0, length)).toEqual(audio.subarray(start, start + length));
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test("that grow follow the rule with each one's own limit, whatever the stream is cut into", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.constantFrom(1, 3, 4, 7, 30),
        fc.constantFrom(11, 25),
        fc.integer(),
        fc.array(fc.integer({ min: 500, max: 200_000 }), { minLength: 1, maxLength: 5 }),
        (seconds, firstSegmentSeconds, segmentSeconds, seed, steps) => {
          const audio = noise(seconds, seed);
          const limits = { firstSegmentSeconds, segmentSeconds };
          const segments = segmentStream(audio, limits, steps);
          expect(segments.map(({ start, length }) => ({ start, end: start + length }))).toEqual(
            splitByTheRule(audio, limits),
          );
          for (const { n, length, last } of segments) {
            const limit = limitOf(limits, n);
            const away = last ? limit : Math.abs(length / 16_000 - limit);
            expect(length).toBeLessThanOrEqual((limit + expandSeconds(limit)) * 16_000);
            if (!last) expect(away).toBeLessThanOrEqual(expandSeconds(limit));
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test("that grow are six times as long as the one before until they are as long as all others", () => {
    const limits = { firstSegmentSeconds: 4, segmentSeconds: 25 };
    expect([0, 1, 2, 3, 4, 400].map((n) => limitOf(limits, n))).toEqual([4, 24, 25, 25, 25, 25]);
    expect(limitOf({ segmentSeconds: 3, firstSegmentSeconds: 4 }, 0)).toBe(3);
    expect([0, 1].map((n) => limitOf({ segmentSeconds: 25 }, n))).toEqual([25, 25]);
  });

  test("that grow leave as soon as what they may see is there", () => {
    const segmenter = createSegmenter({ firstSegmentSeconds: 4, segmentSeconds: 25 });
    const audio = noise(60, 9);
    const left: number[] = [];
    for (let at = 0; at < audio.length; at += 1_600) {
      for (const { n } of segmenter.push(audio.subarray(at, at + 1_600))) left[n] = at + 1_600;
    }
    expect(left[0]).toBe(6 * 16_000);
    // The second one begins between 2 and 6 s.
    expect(left[1]).toBeLessThanOrEqual((6 + 29) * 16_000);
  });

  test("are between 20 and 30 s, never longer than a message holds, and only the last one says that it is the last", () => {
    const segments = segmentStream(noise(620, 7), 25, [16_384]);
    expect(segments.length).toBeGreaterThan(20);
    for (const segment of segments) {
      expect(segment.samples.byteLength).toBeLessThanOrEqual(960_000);
      expect(segment.last).toBe(segment === segments.at(-1));
      if (!segment.last) expect(segment.length).toBeGreaterThanOrEqual(20 * 16_000);
    }
    expect(segments.map(({ n }) => n)).toEqual(segments.map((_, index) => index));
    expect(segments.reduce((sum, { length }) => sum + length, 0)).toBe(620 * 16_000);
  });

  test("a cut falls into the pause near the limit", () => {
    const audio = new Int16Array(60 * 16_000).map((_, at) => 8_000 * Math.sin(at));
    audio.fill(0, 27 * 16_000, 28 * 16_000);
    expect(segmentStream(audio, 25, [10_000])[1]?.start).toBe(27 * 16_000);
  });

  test("a remainder shorter than half a second is filled with zeros, and its length stays what it was", () => {
    const audio = new Int16Array(25 * 16_000 + 1).fill(100);
    const last = segmentStream(audio, 25, [99_999]).at(-1);
    expect(last).toMatchObject({ last: true, n: 1 });
    const short = segmentStream(new Int16Array(10 * 16_000 + 4_000).fill(100), 10, [7]).at(-1);
    expect(short?.length).toBeGreaterThan(0);
    expect(short?.samples.length).toBe(Math.max(8_000, short?.length ?? 0));
  });

  test("short audio is one segment as it is, and no audio is none", () => {
    expect(segmentStream(new Int16Array(160).fill(5), 25, [1])).toMatchObject([
      { n: 0, start: 0, length: 160, last: true },
    ]);
    expect(segmentStream(new Int16Array(160), 25, [160])[0]?.samples.length).toBe(160);
    expect(createSegmenter({ segmentSeconds: 25 }).end()).toEqual([]);
  });

  test("of audio that somebody else began to cut are his as far as he came, and join to the whole", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<number | SegmentLimits>(3, 11, 25, { firstSegmentSeconds: 4, segmentSeconds: 25 }),
        fc.constantFrom<number | SegmentLimits>(3, 25, { firstSegmentSeconds: 3, segmentSeconds: 11 }),
        fc.nat(8),
        fc.integer(),
        (his, ours, count, seed) => {
          const audio = noise(60, seed);
          const first = segmentStream(audio, his, [16_384]).slice(0, -1).slice(0, count);
          const boundaries = first.map(({ start, length }) => start + length);
          const segments = segmentStream(audio, ours, [50_000, 7_000], boundaries);
          expect(segments.slice(0, first.length)).toEqual(first);
          expect(segments.filter(({ last }) => last)).toEqual(segments.slice(-1));
          const joined = segments.map(({ samples, length }) => samplesAsBytes(samples.subarray(0, length)));
          expect(Buffer.compare(Buffer.concat(joined), samplesAsBytes(audio))).toBe(0);
          const alike = segmentStream(audio, his, [30_000], boundaries);
          expect(alike).toEqual(segmentStream(audio, his, [16_384]));
        },
      ),
      { numRuns: 12 },
    );
  });

  test("ten minutes are cut in well under a second", () => {
    const audio = noise(620, 3);
    const began = performance.now();
    segmentStream(audio, 25, [65_536]);
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});
