import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRepetitionWatch } from "./frame-repetition.ts";

/** At which frame it is noticed, and from where on. */
function notice(codes: Iterable<number>, allowed = 0): { at: number; begin: number } | undefined {
  const watch = createRepetitionWatch(allowed);
  let at = 0;
  for (const code of codes) {
    const begin = watch.add(code);
    if (begin !== undefined) return { at, begin };
    at++;
  }
  return undefined;
}

/** Codes as they are drawn: of a vocabulary of so many, evenly. */
function drawn(length: number, seed: number, vocabulary = 2_048): number[] {
  let state = seed;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabulary);
  });
}

describe("frames that repeat themselves", () => {
  test("are noticed after their third time, or five seconds, and from where the second began", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 250 }), fc.nat(100), fc.nat(), (unit, lead, seed) => {
        const once = drawn(unit, seed);
        const before = drawn(lead, seed + 1);
        const found = notice([
          ...before,
          ...Array(Math.ceil(400 / unit) + 4)
            .fill(once)
            .flat(),
        ]);
        expect(found?.begin).toBeGreaterThan(0);
        expect(found?.begin).toBeLessThanOrEqual(lead + unit);
        expect(found?.at).toBeLessThanOrEqual(lead + unit + Math.max(62, 2 * unit));
      }),
    );
  });

  test("are noticed where one code of ten differs each time", () => {
    const once = drawn(20, 3);
    const noise = drawn(600, 4);
    const codes = Array.from({ length: 600 }, (_, frame) =>
      frame % 10 === 7 ? (noise[frame] ?? 0) : (once[frame % 20] ?? 0),
    );
    expect(notice(codes)?.at).toBeLessThan(250);
  });

  test("are let be for as long as the text itself repeats", () => {
    const codes = Array(30).fill(drawn(8, 9)).flat();
    expect(notice(codes)).toBeDefined();
    expect(notice(codes, 200)).toBeUndefined();
  });
});

test("two minutes that vary are not a repetition, few codes as there may be, nor is a pause of three seconds", () => {
  for (const vocabulary of [6, 40, 2_048]) {
    for (let seed = 0; seed < 20; seed++) expect(notice(drawn(1_500, seed, vocabulary))).toBeUndefined();
  }
  expect(notice([...drawn(60, 1), ...Array(38).fill(5), ...drawn(60, 2), ...Array(38).fill(5)])).toBeUndefined();
});

test("a sentence that is said twice is not one", () => {
  const once = drawn(60, 8);
  expect(notice([...once, ...once, ...drawn(60, 2)])).toBeUndefined();
});
