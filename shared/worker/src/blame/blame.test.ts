import fc from "fast-check";
import { expect, test } from "vitest";
import type { WorkLane } from "../lanes/work-lane.ts";
import { afterDeath, afterFailure, budgetAfter } from "./blame.ts";

interface Row {
  id: number;
  lane: WorkLane;
  bytes: number;
  suspicion: number;
  kills: boolean;
}

const pass = (size: number, killers: readonly number[] = []): Row[] =>
  Array.from({ length: size }, (_, id) => ({
    id,
    lane: "batch",
    bytes: 10,
    suspicion: 0,
    kills: killers.includes(id),
  }));

test("among the jobs of a pass exactly the killers are convicted, each by one pass alone, and all others are done", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 32 }),
      fc.uniqueArray(fc.nat(31), { maxLength: 4 }),
      fc.constantFrom("crash" as const, "hung" as const),
      (size, killers, cause) => {
        const jobs = pass(size, killers);
        const groups = [jobs];
        const done: Row[] = [];
        const convicted: Row[] = [];
        let deaths = 0;
        for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
          if (!group.some(({ kills }) => kills)) {
            done.push(...group);
            continue;
          }
          deaths += 1;
          const verdict = afterDeath(group, cause);
          groups.push(...verdict.again);
          convicted.push(...verdict.failed.map(({ job }) => job));
        }
        const guilty = jobs.filter(({ kills }) => kills);
        expect(convicted.map(({ id }) => id).sort()).toEqual(guilty.map(({ id }) => id).sort());
        expect(done.length).toBe(size - guilty.length);
        expect(deaths).toBeLessThanOrEqual(1 + 2 * guilty.length);
      },
    ),
  );
});

test("two kills from outside convict nobody", () => {
  const once = afterDeath(pass(1), "killed");
  expect(once.failed).toEqual([]);
  const twice = afterDeath(once.again.flat(), "killed");
  expect(twice.failed).toEqual([]);
  expect(afterDeath(twice.again.flat(), "killed").failed).toMatchObject([
    { deadLetter: true, failure: { code: "engine_failed" } },
  ]);
});

test("out of memory halves until it fits, and fails only what does not fit alone", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 0, max: 32 }), (size, fitting) => {
      const groups = [pass(size)];
      let done = 0;
      let failed = 0;
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        if (group.length <= fitting) {
          done += group.length;
          continue;
        }
        const verdict = afterFailure(group, { code: "engine_out_of_memory", message: "" });
        groups.push(...verdict.again);
        failed += verdict.failed.length;
      }
      expect(done).toBe(fitting === 0 ? 0 : size);
      expect(failed).toBe(fitting === 0 ? size : 0);
    }),
  );
});

test("a pass that failed for another reason is run row by row", () => {
  expect(afterFailure(pass(3), { code: "internal", message: "" }).again).toHaveLength(3);
  expect(afterFailure(pass(1), { code: "internal", message: "" }).failed).toHaveLength(1);
});

test("after a pass that did not fit, the next ones are half as large", () => {
  expect(budgetAfter(pass(8))).toBe(40);
});
