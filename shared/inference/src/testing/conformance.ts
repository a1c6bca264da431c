/**
 * What every architecture of every family promises (pass.ts), as tests over a small model of it: what a row says depends on nothing but
 * the row, whatever runs beside it, inside it, or joins it, and whatever is stopped.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { someOf, thorough } from "@parlance/contracts/testing";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Pass } from "../pass/pass.ts";
import { type PassRecord, type PassScript, runScript } from "./scripted-pass.ts";

export interface ModelUnderTest<Row, Part, Outcome> {
  run(pass: Pass<Row, Part, Outcome>): Promise<void>;
  /** Whether waiting rows join its passes. */
  refills: boolean;
  close(): Promise<void>;
}

/** How the outcomes of a family are read. */
export interface Family<Part, Outcome, Row = unknown> {
  isRefused(outcome: Outcome): boolean;
  isTruncated(outcome: Outcome): boolean;
  /** That two outcomes of one row differ in nothing but what other rows in its pass may change: the rounding of a score. */
  expectAlike(outcome: Outcome, other: Outcome): void;
  /** That what was told of a row comes to its outcome. */
  expectJoined(parts: readonly Part[], outcome: Outcome): void;
  /** That an outcome agrees with itself, and has what its row asked for. */
  expectSound?(outcome: Outcome, row: Row): void;
}

/** A small model of an architecture, and rows for it. */
export interface Specimen<Row, Part, Outcome> {
  open(): Promise<ModelUnderTest<Row, Part, Outcome>>;
  /** At least four, of different lengths; the model says something to each. */
  rows: readonly Row[];
  /** Each for another reason. */
  refused: readonly Row[];
  /** One that ends at the model's budget; for an architecture that has one. */
  truncated?: Row;
  /** Whether it tells parts of at least one of the rows. Default: it need not. */
  tellsParts?: boolean;
  /** Whether it may try again: a row that told parts before then says something else than one that is not read. Default: never. */
  triesAgain?: boolean;
}

/** Milliseconds: other suites may have the cores. */
const TIMEOUT_MS = 180_000;
/** How many yield points, from the first one on, are tried one by one. */
const POINTS = thorough ? 6 : 1;
/** Passes inside passes. */
const DEPTH = thorough ? 3 : 2;
/** Bytes that the runtime and the tests themselves may come to hold in between. */
const SLACK = 64 * 1_024;

export function describeConformance<Row, Part, Outcome>(
  name: string,
  family: Family<Part, Outcome, Row>,
  specimen: Specimen<Row, Part, Outcome>,
): void {
  const { rows } = specimen;

  describe(name, { timeout: TIMEOUT_MS }, () => {
    const opened: ModelUnderTest<Row, Part, Outcome>[] = [];
    let model: ModelUnderTest<Row, Part, Outcome>;
    /** Each row's outcome in a pass of its own. */
    let alone: Outcome[];
    /** What was told of it last there. */
    let lastAlone: (Part | undefined)[];
    let together: PassRecord<Part, Outcome>;
    const run = (script: PassScript<Row>) => runScript(model.run, script);

    beforeAll(async () => {
      model = await specimen.open();
      opened.push(model);
      alone = [];
      lastAlone = [];
      for (const row of rows) {
        const record = await run({ rows: [row] });
        alone.push(ended(record, 0));
        lastAlone.push(record.parts[0]?.at(-1));
      }
      together = await run({ rows });
    }, TIMEOUT_MS);
    afterAll(async () => {
      for (const each of opened) await each.close();
    });

    const aloneOf = (row: number): Outcome => required(alone[row], `row ${row}`);
    const expectAlone = (row: number, outcome: Outcome | undefined) =>
      family.expectAlike(required(outcome, `row ${row}`), aloneOf(row));
    const expectAllAlone = ({ outcomes }: PassRecord<Part, Outcome>) => {
      for (const row of rows.keys()) expectAlone(row, outcomes[row]);
    };
    /** Some of the yield points of a pass of all rows: the first ones, one in the middle, one near the end. */
    const somePoints = () => {
      const { points } = together;
      const chosen = [...Array.from({ length: POINTS }, (_, at) => at + 1), points >> 1, points - 3];
      return [...new Set(chosen)].filter((point) => point >= 1 && point <= points);
    };

    test("an empty pass ends without a step", async () => {
      expect(await run({ rows: [] })).toMatchObject({ outcomes: [], points: 0 });
    });

    test("one row has one outcome, and says something", () => {
      expect(rows.length).toBeGreaterThanOrEqual(4);
      expect(alone.map((outcome) => family.isRefused(outcome))).toEqual(rows.map(() => false));
    });

    test("rows of different lengths in one pass are each as alone", () => {
      expectAllAlone(together);
    });

    test("rows that are refused leave the others alone", async () => {
      expect(specimen.refused.length).toBeGreaterThan(0);
      const only = await run({ rows: specimen.refused });
      expect(only.outcomes.map((outcome) => family.isRefused(required(outcome, "a refusal")))).not.toContain(false);
      const mixed = [...rows.entries()].flatMap(([row, each]) => {
        const refused = specimen.refused[row % specimen.refused.length];
        return [{ each, row }, ...(refused === undefined ? [] : [{ each: refused, row: undefined }])];
      });
      const { outcomes } = await run({ rows: mixed.map(({ each }) => each) });
      for (const [at, { row }] of mixed.entries()) {
        if (row !== undefined) expectAlone(row, outcomes[at]);
        else expect(family.isRefused(required(outcomes[at], "a refusal"))).toBe(true);
      }
    });

    test("a row that comes to the end of its budget says so, and no other does", async () => {
      const { truncated } = specimen;
      if (truncated === undefined) {
        expect(alone.map((outcome) => family.isTruncated(outcome))).not.toContain(true);
        return;
      }
      const [cut, whole] = (await run({ rows: [truncated, ...rows.slice(0, 1)] })).outcomes;
      expect(family.isTruncated(required(cut, "the row that is cut"))).toBe(true);
      expectAlone(0, whole);
    });

    test("an outcome leaves when its row ends, and the pass gives way at least once for each row", () => {
      expect(together.points).toBeGreaterThanOrEqual(rows.length);
      expect(together.ends[0]?.points).toBeLessThan(together.points);
    });

    test("a row that is stopped is left out, and the others are as alone", async () => {
      for (const point of somePoints()) {
        const stopped = point % rows.length;
        const { outcomes } = await run({ rows, at: (at, act) => at === point && act.stop([stopped]) });
        for (const row of rows.keys()) {
          if (row !== stopped || outcomes[row] !== undefined) expectAlone(row, outcomes[row]);
        }
      }
      const first = required(together.ends[0], "the first row to end").row;
      const others = [...rows.keys()].filter((row) => row !== first);
      const { outcomes, points } = await run({ rows, at: (point, act) => point === 1 && act.stop(others) });
      expect(points).toBeLessThan(together.points);
      expectAlone(first, outcomes[first]);
    });

    /** In a function of its own: nothing of the pass is held when it returns. */
    async function expectStopped(point: number): Promise<void> {
      const record = await run({ rows, at: (at, act) => at === point && act.stop() });
      expect(record).toMatchObject({ points: point, stopped: true });
      const before = record.ends.map(({ row }) => row);
      for (const row of rows.keys()) {
        if (before.includes(row)) expectAlone(row, record.outcomes[row]);
        else expect(record.outcomes[row]).toBeUndefined();
      }
    }

    test("a pass that nobody waits for ends at its next yield point, keeps nothing, and the model works", async () => {
      const held = heldBytes();
      for (const point of somePoints()) await expectStopped(point);
      expect(heldBytes() - held).toBeLessThan(SLACK);
      expectAllAlone(await run({ rows }));
    });

    test("a pass that runs inside another one changes neither", async () => {
      const inside: [row: number, outcome: Outcome][] = [];
      const around = await run({
        rows,
        async at(point) {
          if (!somePoints().includes(point)) return;
          const row = point % rows.length;
          inside.push([row, ended(await run({ rows: rows.slice(row, row + 1) }), 0)]);
        },
      });
      expectAllAlone(around);
      expect(inside.length).toBeGreaterThan(1);
      for (const [row, outcome] of inside) expectAlone(row, outcome);
    });

    test("at every depth, and when what is around it is stopped meanwhile", async () => {
      let deepest = 0;
      async function runAt(depth: number): Promise<void> {
        deepest = Math.max(deepest, depth);
        const row = depth % rows.length;
        const record = await run({
          rows: rows.slice(row, row + 1),
          at: async (point) => void (point <= 2 && depth < DEPTH && (await runAt(depth + 1))),
        });
        expectAlone(row, ended(record, 0));
      }
      await runAt(0);
      expect(deepest).toBe(DEPTH);
      const { stopped } = await run({
        rows,
        async at(_, act) {
          act.stop();
          await runAt(DEPTH - 1);
        },
      });
      expect(stopped).toBe(true);
    });

    test("rows that join take the places of those that ended, and are as alone; none does where none is let in", async () => {
      for (const room of someOf([2, 1], 2)) {
        const { joined, outcomes } = await run({ rows: rows.slice(0, room), waiting: rows.slice(room) });
        expect(joined).toBe(model.refills ? rows.length - room : 0);
        expect(outcomes).toHaveLength(room + joined);
        for (const [row, outcome] of outcomes.entries()) expectAlone(row, outcome);
      }
    });

    test("an outcome agrees with itself, and has what was asked for", () => {
      for (const [index, row] of rows.entries()) {
        for (const { outcomes } of [{ outcomes: alone }, together]) {
          family.expectSound?.(required(outcomes[index], `row ${index}`), row);
        }
      }
    });

    test("what is told of a row comes to its outcome, and reading it changes nothing", async () => {
      if (specimen.tellsParts === true) expect(together.parts.flat()).not.toEqual([]);
      for (const row of rows.keys()) {
        const parts = together.parts[row] ?? [];
        expect(parts.at(-1)).toEqual(lastAlone[row]);
        family.expectJoined(parts, required(together.outcomes[row], `row ${row}`));
      }
      const unread = await run({ rows, readsParts: (row) => row === 1 });
      for (const [row, each] of rows.entries()) {
        const differs = specimen.triesAgain === true && row !== 1;
        const expected = differs ? ended(await run({ rows: [each], readsParts: () => false }), 0) : aloneOf(row);
        family.expectAlike(required(unread.outcomes[row], `row ${row}`), expected);
      }
      expect(unread.parts.map((parts) => parts.at(-1))).toEqual(
        rows.map((_, row) => (row === 1 ? lastAlone[1] : undefined)),
      );
    });

    test("closing gives back every session, and closing again does no harm", async () => {
      const creating = vi.spyOn(InferenceSession, "create");
      try {
        const other = await specimen.open();
        const sessions = await Promise.all(creating.mock.results.map(({ value }) => value));
        const releases = sessions.map((session) => vi.spyOn(session, "release"));
        expect(releases.length).toBeGreaterThan(0);
        await other.close();
        await other.close();
        expect(releases.map(({ mock }) => mock.calls.length)).toEqual(releases.map(() => 1));
      } finally {
        creating.mockRestore();
      }
    });
  });
}

function ended<Part, Outcome>({ outcomes }: PassRecord<Part, Outcome>, row: number): Outcome {
  return required(outcomes[row], `row ${row}`);
}

function required<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`${what} has no outcome`);
  return value;
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** What arrays hold when what is merely dropped is gone: one collection may find what another one lets go. */
function heldBytes(): number {
  for (let times = 0; times < 3; times++) collect();
  return process.memoryUsage().arrayBuffers;
}
