import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLive, type WorkLane, workLanes } from "../lanes/work-lane.ts";
import { type Composable, type ComposeQuestion, composePass } from "./compose-pass.ts";

interface Row extends Composable {
  id: number;
}

let nextId = 0;
function row(lane: WorkLane, change: Partial<Row> = {}): Row {
  return { id: nextId++, lane, batchId: "b", together: 1, bytes: 100, arrivedAt: 0, ...change };
}

function ask(waiting: Row[], change: Partial<ComposeQuestion<Row>> = {}) {
  return composePass({
    waiting,
    now: 0,
    maxSize: 4,
    patientSize: () => 4,
    waitMs: 20,
    budgetBytes: Number.POSITIVE_INFINITY,
    passedOver: 0,
    requestsAlone: false,
    rowsAreCheap: false,
    engine: {},
    ...change,
  });
}

const many = (count: number, lane: WorkLane, change: Partial<Row> = {}) =>
  Array.from({ length: count }, () => row(lane, change));

describe("what leads and when it goes", () => {
  test("nothing is composed of nothing", () => expect(ask([])).toBeUndefined());

  test("a realtime job goes at once, without the batch work that waits", () => {
    const realtime = row("realtime");
    expect(ask([...many(9, "batch"), realtime])).toEqual({ run: [realtime] });
  });

  test("a batch pass goes when it is full, or when its oldest job has waited long enough", () => {
    expect(ask(many(3, "batch", { arrivedAt: 5 }), { now: 10 })).toEqual({ waitUntil: 25 });
    expect(ask(many(3, "batch", { arrivedAt: 5 }), { now: 25 })).toMatchObject({ run: { length: 3 } });
    expect(ask(many(9, "batch", { arrivedAt: 5 }), { now: 5 })).toMatchObject({ run: { length: 4 } });
  });

  test("interactive jobs wait for those published together with them, and for nobody else", () => {
    const two = many(2, "interactive", { together: 3, batchId: "x" });
    expect(ask(two)).toEqual({ waitUntil: 20 });
    expect(ask([...two, row("interactive", { together: 3, batchId: "x" })])).toMatchObject({ run: { length: 3 } });
    expect(ask(two, { now: 20 })).toMatchObject({ run: { length: 2 } });
    expect(ask([...two, row("interactive", { batchId: "y" })])).toMatchObject({ run: { length: 3 } });
  });

  test("thirty-two published together do not wait for more than a pass holds", () => {
    expect(ask(many(4, "interactive", { together: 32 }))).toMatchObject({ run: { length: 4 } });
  });

  test("requests behind which another family's wait take no batch work along, until it was passed over long enough", () => {
    const interactive = row("interactive", { bytes: 300 });
    const waiting = [...many(3, "batch", { bytes: 200 }), interactive];
    expect(ask(waiting, { requestsAlone: true })).toEqual({ run: [interactive] });
    expect(ask(waiting, { requestsAlone: true, passedOver: 8 })).toMatchObject({ run: { length: 4 } });
  });

  test("an interactive pass takes batch work along that is not longer than it is", () => {
    const interactive = row("interactive", { bytes: 300 });
    const short = row("batch", { bytes: 200 });
    const long = row("batch", { bytes: 301 });
    expect(ask([long, short, interactive])).toEqual({ run: [short, interactive] });
  });
});

describe("a busy engine", () => {
  test("is handed a full pass, and no other: one that is not full may still fill", () => {
    expect(ask(many(4, "batch"), { engine: { running: "batch" } })).toMatchObject({ run: { length: 4 } });
    expect(ask(many(3, "batch"), { engine: { running: "batch" }, now: 1_000 })).toBeUndefined();
    expect(ask([row("realtime")], { engine: { running: "realtime" } })).toBeUndefined();
  });

  test("is handed what runs inside: as if it were idle, for what is more urgent than all that it runs", () => {
    const realtime = row("realtime");
    expect(ask([...many(9, "batch"), realtime], { engine: { running: "batch" } })).toEqual({ run: [realtime] });
    const two = many(2, "interactive", { together: 3 });
    expect(ask(two, { engine: { running: "batch" } })).toEqual({ waitUntil: 20 });
    expect(ask(two, { engine: { running: "batch" }, now: 20 })).toMatchObject({ run: { length: 2 } });
  });

  test("with a prepared pass is handed only what overtakes it", () => {
    const realtime = row("realtime");
    expect(ask([...many(9, "batch"), realtime], { engine: { prepared: "batch" } })).toEqual({ run: [realtime] });
    expect(ask(many(9, "batch"), { engine: { prepared: "batch" } })).toBeUndefined();
    expect(ask(many(9, "interactive"), { engine: { prepared: "realtime" } })).toBeUndefined();
  });
});

test("a learned budget limits rows times the longest, and makes such a pass a full one", () => {
  expect(ask(many(9, "batch"), { budgetBytes: 250 })).toMatchObject({ run: { length: 2 } });
  expect(ask(many(9, "batch"), { budgetBytes: 1 })).toMatchObject({ run: { length: 1 } });
});

const lane = fc.constantFrom<WorkLane>(...workLanes);
const rows = fc
  .array(
    fc.record({
      lane,
      batchId: fc.constantFrom("x", "y", "z"),
      together: fc.integer({ min: 1, max: 32 }),
      bytes: fc.integer({ min: 1, max: 960_000 }),
      arrivedAt: fc.nat(1_000),
    }),
    { maxLength: 50 },
  )
  .map((list) => list.map((each, id): Row => ({ ...each, id })));
const question: fc.Arbitrary<ComposeQuestion<Row>> = fc.record({
  waiting: rows,
  now: fc.nat(2_000),
  maxSize: fc.integer({ min: 1, max: 32 }),
  patientSize: fc.integer({ min: 1, max: 32 }).map((size) => () => size),
  waitMs: fc.nat(100),
  budgetBytes: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 5_000_000 })),
  passedOver: fc.nat(12),
  requestsAlone: fc.boolean(),
  rowsAreCheap: fc.boolean(),
  engine: fc.record({ running: fc.option(lane, { nil: undefined }), prepared: fc.option(lane, { nil: undefined }) }),
});

describe("whatever waits", () => {
  test("a pass holds between one and maxSize of the waiting jobs, each once, shortest first, within its budget", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const answer = composePass(asked);
        if (answer === undefined || !("run" in answer)) return;
        const { run } = answer;
        expect(run.length).toBeGreaterThanOrEqual(1);
        expect(run.length).toBeLessThanOrEqual(asked.maxSize);
        expect(new Set(run.map(({ id }) => id)).size).toBe(run.length);
        for (const each of run) expect(asked.waiting).toContain(each);
        expect(run.map(({ bytes }) => bytes)).toEqual(run.map(({ bytes }) => bytes).sort((a, b) => a - b));
        if (run.length > 1) expect(run.length * (run.at(-1)?.bytes ?? 0)).toBeLessThanOrEqual(asked.budgetBytes);
      }),
      { numRuns: 1_000 },
    );
  });

  test("a pass that live work does not lead is no larger than its longest row's bound, and one that is as large waits for nothing", () => {
    const bounds = fc.func(fc.integer({ min: 1, max: 32 }));
    fc.assert(
      fc.property(question, bounds, (asked, boundOf) => {
        const patientSize = (lead: WorkLane, bytes: number) => boundOf(lead, bytes >> 16);
        const answer = composePass({ ...asked, patientSize, engine: {} });
        const lead = workLanes.find((each) => asked.waiting.some((job) => job.lane === each)) ?? "batch";
        const longest = (rows: readonly Row[]) => Math.max(...rows.map(({ bytes }) => bytes));
        const most = (rows: readonly Row[]) => Math.min(asked.maxSize, patientSize(lead, longest(rows)));
        if (answer === undefined || isLive(lead)) return;
        if ("run" in answer) expect(answer.run.length === 1 || answer.run.length <= most(answer.run)).toBe(true);
        else {
          const leading = asked.waiting.filter((job) => job.lane === lead);
          expect(leading.length).toBeLessThan(most(leading));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("an idle engine never waits longer than waitMs after the oldest arrival, and never at all with live work", () => {
    fc.assert(
      fc.property(question, (asked) => {
        if (asked.waiting.length === 0) return;
        const answer = composePass({ ...asked, engine: {} });
        if (answer !== undefined && "run" in answer) return;
        expect(asked.waiting.some((each) => isLive(each.lane))).toBe(false);
        const last = Math.max(...asked.waiting.map(({ arrivedAt }) => arrivedAt)) + asked.waitMs;
        expect(answer?.waitUntil).toBeGreaterThan(asked.now);
        expect(answer?.waitUntil).toBeLessThanOrEqual(last);
      }),
      { numRuns: 1_000 },
    );
  });

  test("the most urgent lane is always in the pass, and within a lane nobody of the same length is overtaken", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const answer = composePass({ ...asked, engine: {}, budgetBytes: Number.POSITIVE_INFINITY, passedOver: 0 });
        if (answer === undefined || !("run" in answer)) return;
        const lead = workLanes.find((each) => asked.waiting.some((job) => job.lane === each));
        const most =
          lead !== undefined && isLive(lead)
            ? asked.maxSize
            : Math.min(asked.maxSize, asked.patientSize(lead ?? "batch", 0));
        const leading = asked.waiting.filter((job) => job.lane === lead).slice(0, most);
        for (const each of leading) expect(answer.run).toContain(each);
      }),
      { numRuns: 1_000 },
    );
  });

  test("batch work that was passed over eight times by requests is in the ninth pass", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const oldest = asked.waiting.find((job) => job.lane === "batch");
        const answer = composePass({ ...asked, engine: {}, passedOver: 8 });
        if (oldest === undefined || answer === undefined || !("run" in answer)) return;
        if (answer.run.some((each) => isLive(each.lane))) return;
        expect(answer.run).toContain(oldest);
      }),
      { numRuns: 1_000 },
    );
  });
});
