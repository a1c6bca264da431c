/** Tenures through whole minutes, at the default settings' proportions: the clock is the test's, the engine is a real process. */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { defaults, happens, openTenure, RENEWAL_MS, type RigOptions, type TenureRig } from "../testing/tenure-rig.ts";

const SECOND = 1_000;
const open: TenureRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function begin(options?: RigOptions): Promise<TenureRig> {
  const rig = await openTenure(options);
  open.push(rig);
  return rig;
}

test("the defaults have many renewals in an idle timeout", () => {
  expect(defaults.IDLE_TIMEOUT * SECOND).toBeGreaterThan(10 * RENEWAL_MS);
});

test("an engine without work is unloaded after IDLE_TIMEOUT, however often its lease is renewed meanwhile", async () => {
  const { live, ended } = await begin();
  live(defaults.IDLE_TIMEOUT - 1);
  await pause(20);
  expect(ended()).toEqual([]);
  live(1);
  await happens(() => ended().length > 0);
  expect(ended()).toEqual(["idle-timeout"]);
});

test("the idle time begins when the last work ended, and work in between begins it anew", async () => {
  const { live, job, passes, ended } = await begin();
  live(defaults.IDLE_TIMEOUT - 20);
  job("echo a", "interactive");
  live(1);
  await happens(() => passes().length === 1);
  live(defaults.IDLE_TIMEOUT - 1);
  await pause(20);
  expect(ended()).toEqual([]);
  live(1);
  await happens(() => ended().length > 0);
  expect(ended()).toEqual(["idle-timeout"]);
});

test("an engine is not idle in the middle of a pass of minutes", async () => {
  const { live, job, passes, ended } = await begin();
  job("sleep 300 a", "interactive");
  live(defaults.IDLE_TIMEOUT * 2);
  await happens(() => passes().length === 1);
  expect(ended()).toEqual([]);
});

test("a pass of the batch lane waits BATCH_WAIT_MS to fill, however often somebody calls meanwhile", async () => {
  const { job, clock, put, passes } = await begin();
  job("echo a");
  for (let ms = 0; ms < defaults.BATCH_WAIT_MS - 1; ms += 1) {
    clock.pass(1);
    put({ type: "lease-changed" });
  }
  await pause(50);
  expect(passes()).toEqual([]);
  clock.pass(1);
  await happens(() => passes().length === 1);
});

describe("what runs", () => {
  const scripts = (rig: TenureRig) => rig.happened.map(({ what, how }) => `${how}: ${what}`);

  test("lets a realtime job run inside it: that ends before any of the rows that began before it", async () => {
    const rig = await begin({ settings: { maxBatchSize: 2 } });
    rig.job("steps 60 10 a");
    rig.job("steps 60 10 b");
    await happens(() => rig.notes.some((note) => note.do === "note-begun"));
    rig.job("echo now", "realtime");
    await rig.done(3);
    expect(scripts(rig)).toEqual(["settled: echo now", "settled: steps 60 10 a", "settled: steps 60 10 b"]);
    const [now, first] = rig.happened.map(({ end }) => end);
    expect(first?.startedAt ?? 0).toBeLessThan(now?.startedAt ?? 0);
    expect(now?.size).toBe(1);
  });

  test("is acknowledged row by row, before its pass ends", async () => {
    const rig = await begin({ settings: { maxBatchSize: 2 } });
    rig.job("echo short");
    rig.job("steps 1000 10 long");
    await rig.done(1);
    expect(scripts(rig)).toEqual(["settled: echo short"]);
    expect(rig.passes()).toEqual([]);
    rig.put({ type: "cancelled", batchId: "b" });
    await rig.done(2);
    expect(scripts(rig)).toEqual(["settled: echo short", "unwanted: steps 1000 10 long"]);
    expect(rig.passes()).toEqual([2]);
  });

  test("stops the rows of a cancelled batch, and goes on with the others", async () => {
    const rig = await begin({ settings: { maxBatchSize: 4 } });
    for (const n of [1, 2]) rig.job(`steps 100000 10 ${n}`, "batch", "unwanted");
    for (const n of [3, 4]) rig.job(`steps 80 10 ${n}`, "batch", "wanted");
    rig.job("echo waits", "batch", "unwanted");
    await happens(() => rig.notes.some((note) => note.do === "note-begun"));
    rig.put({ type: "cancelled", batchId: "unwanted" });
    await rig.done(5);
    expect(scripts(rig)).toEqual([
      "unwanted: echo waits",
      "unwanted: steps 100000 10 1",
      "unwanted: steps 100000 10 2",
      "settled: steps 80 10 3",
      "settled: steps 80 10 4",
    ]);
  });

  test("and hangs is killed when none of its rows began or ended for PASS_TIMEOUT: only those that ran are suspects", async () => {
    const rig = await begin({ settings: { maxBatchSize: 1, passTimeoutMs: 60 * SECOND } });
    rig.job("hang");
    rig.job("echo behind");
    await happens(() => rig.notes.some((note) => note.do === "note-begun"));
    rig.clock.pass(59 * SECOND);
    await pause(50);
    expect(rig.notes.filter((note) => note.do === "note-hang")).toEqual([]);
    rig.clock.pass(1 * SECOND);
    expect(rig.notes.filter((note) => note.do === "note-hang")).toHaveLength(1);
    // It hangs again, alone, before what only waited behind it has its turn; and is convicted.
    await happens(() => rig.notes.filter((note) => note.do === "note-begun").length === 2);
    rig.clock.pass(60 * SECOND);
    await rig.done(2);
    expect(scripts(rig)).toEqual(["convicted: hang", "settled: echo behind"]);
    expect(rig.notes.filter((note) => note.do === "note-death")).toMatchObject([
      { cause: "hung", size: 1 },
      { cause: "hung", size: 1 },
    ]);
  });

  test("has a while to end when the worker is told to stop; what has not begun is given back at once", async () => {
    const rig = await begin({ settings: { maxBatchSize: 1 } });
    rig.job("steps 20 10 runs");
    await happens(() => rig.notes.some((note) => note.do === "note-begun"));
    for (const n of [1, 2, 3]) rig.job(`echo ${n}`);
    const closed = rig.tenures.close();
    await closed;
    expect(scripts(rig).toSorted()).toEqual([
      "given back: echo 1",
      "given back: echo 2",
      "given back: echo 3",
      "settled: steps 20 10 runs",
    ]);
    expect(rig.ended()).toEqual(["stopped"]);
  });
});

describe("an engine whose passes are joined", () => {
  /** Most rows are short, a few are long, as recordings are. */
  const lengths = Array.from({ length: 48 }, (_, n) => (n % 8 === 0 ? 24 : 2 + (n % 3)));
  const most = 4;

  /** Steps that the engine took: each is told by every row that is open. */
  async function stepsOf(refills: boolean): Promise<{ steps: number; sizes: number[] }> {
    const rig = await begin({ settings: { maxBatchSize: most }, engine: { refills, countSteps: true } });
    for (const [n, length] of lengths.entries()) rig.job(`steps ${length} 5 ${n}`);
    await rig.done(lengths.length);
    expect(rig.happened.every(({ how }) => how === "settled")).toBe(true);
    const counted = rig.happened.map(({ end }) => (end?.outcome.ok ? stepOf(end.outcome.meta) : 0));
    return { steps: Math.max(...counted), sizes: rig.happened.map(({ end }) => end?.size ?? 0) };
  }

  const stepOf = (meta: unknown) =>
    typeof meta === "object" && meta !== null && "step" in meta ? Number(meta.step) : 0;

  test("has its places taken as they come free, so that rows of very different lengths need fewer steps", async () => {
    const joined = await stepsOf(true);
    const whole = await stepsOf(false);
    const needed = lengths.reduce((sum, length) => sum + length, 0) / most;
    expect(whole.steps).toBeGreaterThan(1.5 * needed);
    // But for the end, when nothing waits any more.
    expect(joined.steps).toBeLessThan(needed + Math.max(...lengths));
    expect(Math.max(...joined.sizes)).toBe(most);
  });
});
