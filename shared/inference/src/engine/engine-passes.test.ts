import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEnginePasses, type ModelPass } from "./engine-passes.ts";
import type { FromEngine, ToPasses } from "./engine-protocol.ts";

/** What was sent, in short: `started 1:0,1 in 1`, `1:0 done`, `1:1 cancelled`, `failed 1:0`. */
function inShort(message: FromEngine): string {
  if (message.type === "started") return `started ${message.id}:${message.rows.join(",")} in ${message.pass}`;
  if (message.type === "failed") return `failed ${message.id}:${message.rows.join(",")}`;
  if (message.type === "part") return `${message.id}:${message.row} says ${JSON.stringify(message.part.meta)}`;
  if (message.type !== "outcome") return message.type;
  return `${message.id}:${message.row} ${message.outcome.ok ? "done" : message.outcome.failure.code}`;
}

interface Rig {
  said: string[];
  sent: FromEngine[];
  passes: ReturnType<typeof createEnginePasses>;
  /** Arrives when the model has given way so many times. */
  at(turn: number, ...frames: ToPasses[]): void;
}

/** Rows are numbers of steps. Every step ends with a yield point; `refills`: freed places are offered. */
function rig(refills = false, fails?: (pass: ModelPass) => boolean): Rig {
  const said: string[] = [];
  const sent: FromEngine[] = [];
  const arriving = new Map<number, ToPasses[]>();
  let turn = 0;
  const passes = createEnginePasses({
    async run(pass) {
      const left = new Map([...pass.rows.keys()].map((row) => [row, Number(pass.rows[row]?.meta)]));
      const places = left.size;
      while (left.size > 0) {
        for (const [row, steps] of left) {
          if (!pass.isOpen(row)) left.delete(row);
          else if (steps <= 1) {
            pass.end(row, { ok: true, meta: null });
            left.delete(row);
          } else {
            pass.tell(row, { meta: steps });
            left.set(row, steps - 1);
          }
        }
        if (refills) for (const row of pass.refill(places - left.size)) left.set(row, Number(pass.rows[row]?.meta));
        if (left.size === 0) break;
        if (fails?.(pass)) throw new Error("no");
        turn += 1;
        await pass.giveWay();
      }
    },
    poll() {
      for (const frame of arriving.get(turn) ?? []) passes.take(frame, []);
      arriving.delete(turn);
    },
    send(message) {
      sent.push(message);
      said.push(inShort(message));
    },
    failureOf: () => ({ code: "engine_failed", message: "no" }),
  });
  return { said, sent, passes, at: (when, ...frames) => arriving.set(when, frames) };
}

function pass(id: number, urgency: number, steps: number[], more: { room?: boolean; reads?: boolean } = {}): ToPasses {
  return {
    type: "pass",
    id,
    urgency,
    metas: steps,
    ...(more.room ? { room: { rows: 16, bytes: Number.POSITIVE_INFINITY } } : {}),
    ...(more.reads ? { readsParts: steps.map(() => true) } : {}),
  };
}

/** Works for so many milliseconds before each point at which the pass may be left. In some of these another, more urgent one works. */
async function gapsOf(steps: readonly number[], inside: readonly (number | undefined)[]): Promise<Map<number, number>> {
  let time = 0;
  let point = 0;
  const told = new Map<number, number>();
  const passes = createEnginePasses({
    async run(pass) {
      const meta = pass.rows[0]?.meta;
      for (const ms of meta === "outer" ? steps : [Number(meta)]) {
        time += ms;
        await pass.giveWay();
      }
      pass.end(0, { ok: true, meta: null });
    },
    poll() {
      const ms = inside[point];
      point += 1;
      if (ms === undefined) return;
      passes.take({ type: "pass", id: point, urgency: 0, metas: [ms] }, []);
    },
    send(message) {
      if (message.type === "outcome") told.set(message.id, message.gapMs);
    },
    failureOf: () => ({ code: "engine_failed", message: "no" }),
    now: () => time,
  });
  passes.take({ type: "pass", id: 0, urgency: 1, metas: ["outer"] }, []);
  await passes.runAll();
  return told;
}

describe("passes of the inference thread", () => {
  test("a row's end tells the longest that its pass could not be left, without what ran inside", async () => {
    const ms = fc.nat(1_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(ms, { maxLength: 8 }),
        fc.array(fc.option(ms, { nil: undefined }), { maxLength: 20 }),
        async (steps, inside) => {
          const [outer, ...inner] = [...(await gapsOf(steps, inside))].sort(([a], [b]) => a - b);
          expect(outer).toEqual([0, Math.max(0, ...steps)]);
          for (const [id, gap] of inner) expect(gap).toBe(inside[id - 1]);
        },
      ),
    );
  });

  test("a row's outcome leaves when the row ends, and parts only to whom reads them", async () => {
    const { said, passes } = rig();
    passes.take(pass(1, 2, [3, 1]), []);
    passes.take(pass(2, 2, [2], { reads: true }), []);
    await passes.runAll();
    expect(said).toEqual(["started 1:0,1 in 1", "1:1 done", "1:0 done", "started 2:0 in 2", "2:0 says 2", "2:0 done"]);
  });

  test("the more urgent runs to its end inside, at any depth; what is as urgent or less waits", async () => {
    const { said, passes, at } = rig();
    passes.take(pass(1, 2, [3]), []);
    at(1, pass(2, 1, [3]), pass(3, 2, [1]));
    at(2, pass(4, 0, [2]), pass(5, 1, [1]));
    await passes.runAll();
    expect(said).toEqual([
      "started 1:0 in 1",
      "started 2:0 in 2",
      "started 4:0 in 3",
      "4:0 done",
      "2:0 done",
      "started 5:0 in 4",
      "5:0 done",
      "1:0 done",
      "started 3:0 in 5",
      "3:0 done",
    ]);
  });

  test("stopped rows end as cancelled: of a waiting pass, and of a running one at its next yield point", async () => {
    const { said, passes, at } = rig();
    passes.take(pass(1, 2, [4, 3]), []);
    passes.take(pass(2, 2, [1, 1]), []);
    at(1, { type: "stop", id: 1, rows: [0] }, { type: "stop", id: 2, rows: [1] });
    await passes.runAll();
    expect(said).toEqual([
      "started 1:0,1 in 1",
      "1:0 cancelled",
      "2:1 cancelled",
      "1:1 done",
      "started 2:0 in 2",
      "2:0 done",
    ]);
  });

  test("a pass that is stopped as a whole is left at once, and what waits comes next", async () => {
    const { said, passes, at } = rig();
    passes.take(pass(1, 2, [9, 9]), []);
    passes.take(pass(2, 2, [1]), []);
    at(1, { type: "stop", id: 1 });
    await passes.runAll();
    expect(said).toEqual(["started 1:0,1 in 1", "1:0 cancelled", "1:1 cancelled", "started 2:0 in 2", "2:0 done"]);
  });

  test("waiting rows as urgent take the places of those that ended, in their order", async () => {
    const { said, passes } = rig(true);
    passes.take(pass(1, 2, [1, 3], { room: true }), []);
    passes.take(pass(2, 2, [1, 2], { room: true }), []);
    passes.take(pass(3, 1, [1]), []);
    await passes.runAll();
    expect(said).toEqual([
      "started 3:0 in 1",
      "3:0 done",
      "started 1:0,1 in 2",
      "1:0 done",
      "started 2:0 in 2",
      "2:0 done",
      "started 2:1 in 2",
      "1:1 done",
      "2:1 done",
    ]);
  });

  test("a pass without room is neither joined nor joins, and is not overtaken by those that would", async () => {
    const { said, passes } = rig(true);
    passes.take(pass(1, 2, [1, 2], { room: true }), []);
    passes.take(pass(2, 2, [2, 1]), []);
    passes.take(pass(3, 2, [1], { room: true }), []);
    await passes.runAll();
    expect(said.filter((each) => each.startsWith("started"))).toEqual([
      "started 1:0,1 in 1",
      "started 2:0,1 in 2",
      "started 3:0 in 3",
    ]);
  });

  test("a pass grows no further than its room: rows, and their number times the longest payload", async () => {
    const { said, passes } = rig(true);
    const bytes = (...lengths: number[]) => lengths.map((length) => new Uint8Array(length));
    const room = { rows: 2, bytes: 20 };
    passes.take({ type: "pass", id: 1, urgency: 2, metas: [1, 1, 3], room }, bytes(5, 5, 5));
    passes.take({ type: "pass", id: 2, urgency: 2, metas: [2, 1], room }, bytes(10, 11));
    await passes.runAll();
    expect(said.slice(3)).toEqual([
      "started 2:0 in 1",
      "1:2 done",
      "2:0 done",
      // Two rows of 11 are too much for 20; alone it may.
      "started 2:1 in 1",
      "2:1 done",
    ]);
  });

  test("a failure is of all rows that ran together, of whatever pass, and of no others", async () => {
    const { said, passes } = rig(true, ({ rows }) => rows.length === 3);
    passes.take(pass(1, 2, [1, 3], { room: true }), []);
    passes.take(pass(2, 2, [4, 1], { room: true }), []);
    await passes.runAll();
    expect(said).toEqual([
      "started 1:0,1 in 1",
      "1:0 done",
      "started 2:0 in 1",
      "failed 1:1",
      "failed 2:0",
      "started 2:1 in 2",
      "2:1 done",
    ]);
  });

  test("whatever comes in whatever order, each row begins at most once and ends exactly once", async () => {
    const frame = fc.oneof(
      fc.record({
        urgency: fc.nat(2),
        steps: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        room: fc.boolean(),
        turn: fc.nat(12),
      }),
      fc.record({ stop: fc.nat(8), rows: fc.option(fc.array(fc.nat(3)), { nil: undefined }), turn: fc.nat(12) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 9 }), fc.boolean(), async (frames, refills) => {
        const { sent, passes, at } = rig(refills);
        const expected: string[] = [];
        const byTurn = new Map<number, ToPasses[]>([[0, [pass(99, 2, [13], { room: true })]]]);
        expected.push("99:0");
        for (const [id, each] of frames.entries()) {
          const now = byTurn.get(each.turn) ?? [];
          byTurn.set(each.turn, now);
          if ("stop" in each) now.push({ type: "stop", id: each.stop, rows: each.rows });
          else {
            now.push(pass(id, each.urgency, each.steps, { room: each.room }));
            expected.push(...each.steps.map((_, row) => `${id}:${row}`));
          }
        }
        for (const [turn, now] of byTurn) at(turn, ...now);
        await passes.runAll();
        const ends = sent.flatMap((message) => (message.type === "outcome" ? [`${message.id}:${message.row}`] : []));
        const begins = sent.flatMap((message) =>
          message.type === "started" ? message.rows.map((row) => `${message.id}:${row}`) : [],
        );
        expect(ends.toSorted()).toEqual(expected.toSorted());
        expect(new Set(begins).size).toBe(begins.length);
      }),
      { numRuns: 500 },
    );
  });
});
