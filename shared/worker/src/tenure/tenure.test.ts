/** Tenures through whole minutes, at the default settings' proportions: the clock is the test's, the engine is a real process. */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus, Held } from "@parlance/bus";
import { type Lane, readSettings } from "@parlance/contracts";
import { type Lease, leaseSettings, monotonicClock, yieldSettings } from "@parlance/gpu-lease";
import { createLog } from "@parlance/telemetry";
import { afterEach, expect, test } from "vitest";
import { createHeldJobs, type HeldJobs } from "../lanes/held-jobs.ts";
import type { Job } from "../lanes/job.ts";
import type { PassSettlement } from "../results/settle-pass.ts";
import { type HandClock, handClock } from "../testing/hand-clock.ts";
import { scriptedEngine } from "../testing/scripted-worker.ts";
import { startTenure, type Tenure } from "./tenure.ts";
import { createTurns } from "./turns.ts";

const SECOND = 1_000;
const settings = readSettings(
  [...leaseSettings, "IDLE_TIMEOUT", "BATCH_WAIT_MS", "MAX_BATCH_SIZE", "PASS_TIMEOUT"],
  {},
);
const RENEWAL_MS = (settings.LEASE_TTL * SECOND) / 3;

interface Rig {
  tenure: Tenure;
  clock: HandClock;
  held: HeldJobs;
  ended: string[];
  passes: number[];
  /** Time with everything that the default settings let happen meanwhile: each renewal comes back as a change. */
  live(seconds: number): void;
  job(script: string, lane?: Lane): void;
}

const open: Tenure[] = [];
afterEach(async () => {
  for (const tenure of open.splice(0)) await tenure.end("stopped");
});

async function begin(): Promise<Rig> {
  const clock = handClock(monotonicClock.now());
  const log = createLog("test", "silent");
  const held = createHeldJobs();
  const lease: Pick<Lease, "id" | "held" | "waiting" | "deadline" | "predecessors"> = {
    id: "w",
    held: true,
    predecessors: () => [],
    waiting: () => [],
    deadline: () => monotonicClock.now() + 600 * SECOND,
  };
  const settle: PassSettlement = { outcomes: (jobs) => jobs.forEach(held.drop), convicted() {}, unwanted: held.drop };
  const bus: Pick<Bus, "publish"> = { publish() {} };
  const ended: string[] = [];
  const passes: number[] = [];
  const tenure = startTenure({
    bus: bus as Bus,
    lease: lease as Lease,
    held,
    settle,
    unfinished: { of: async () => 0, begun() {}, ended() {}, stopped() {} },
    engine: {
      entry: scriptedEngine,
      options: {},
      on: { id: "cpu-test", device: "cpu" },
      memory: { shortage: async () => undefined, loaded() {}, failed() {} },
    },
    settings: {
      ...yieldSettings(settings),
      maxBatchSize: settings.MAX_BATCH_SIZE,
      batchWaitMs: settings.BATCH_WAIT_MS,
      idleMs: settings.IDLE_TIMEOUT * SECOND,
      passTimeoutMs: settings.PASS_TIMEOUT * SECOND,
    },
    turns: createTurns(settings.LEASE_URGENT_SWAP_SHARE / 100),
    isCancelled: () => false,
    onRoom() {},
    onPass: (size) => passes.push(size),
    metrics: undefined,
    clock,
    log,
  });
  open.push(tenure);
  void tenure.ended.then((reason) => ended.push(reason));
  expect(await tenure.loaded).toBe(true);
  let number = 0;
  let renewal = clock.now() + RENEWAL_MS;
  return {
    tenure,
    clock,
    held,
    ended,
    passes,
    live(seconds) {
      const until = clock.now() + seconds * SECOND;
      for (; renewal <= until; renewal += RENEWAL_MS) {
        clock.pass(renewal - clock.now());
        tenure.poke();
      }
      clock.pass(until - clock.now());
    },
    job(script, lane = "batch") {
      const seq = ++number;
      const delivery: Partial<Held> = { seq, deliveries: 1, working() {}, nak() {}, letGo() {} };
      held.add({
        delivery,
        address: { operation: "transcribe", lane, batchId: "b", itemId: String(seq), n: 0 },
        engineJob: { meta: null, payload: Buffer.from(script) },
        arrivedAt: clock.now(),
        publishedAt: Date.now(),
        suspicion: 0,
        unfinishedRuns: 0,
        lane,
        batchId: "b",
        together: 1,
        bytes: script.length,
      } as unknown as Job);
      tenure.poke();
    },
  };
}

/** What the engine process does takes real time. */
async function happens(check: () => boolean): Promise<void> {
  for (let waited = 0; !check() && waited < 10_000; waited += 5) await pause(5);
  expect(check()).toBe(true);
}

test("the defaults have many renewals in an idle timeout", () => {
  expect(settings.IDLE_TIMEOUT * SECOND).toBeGreaterThan(10 * RENEWAL_MS);
});

test("an engine without work is unloaded after IDLE_TIMEOUT, however often its lease is renewed meanwhile", async () => {
  const { live, ended } = await begin();
  live(settings.IDLE_TIMEOUT - 1);
  await pause(20);
  expect(ended).toEqual([]);
  live(1);
  await happens(() => ended.length > 0);
  expect(ended).toEqual(["idle-timeout"]);
});

test("the idle time begins when the last work ended, and work in between begins it anew", async () => {
  const { live, job, passes, ended } = await begin();
  live(settings.IDLE_TIMEOUT - 20);
  job("echo a", "interactive");
  live(1);
  await happens(() => passes.length === 1);
  live(settings.IDLE_TIMEOUT - 1);
  await pause(20);
  expect(ended).toEqual([]);
  live(1);
  await happens(() => ended.length > 0);
  expect(ended).toEqual(["idle-timeout"]);
});

test("an engine is not idle in the middle of a pass of minutes", async () => {
  const { live, job, passes, ended } = await begin();
  job("sleep 300 a", "interactive");
  live(settings.IDLE_TIMEOUT * 2);
  await happens(() => passes.length === 1);
  expect(ended).toEqual([]);
});

test("a pass of the batch lane waits BATCH_WAIT_MS to fill, however often somebody calls meanwhile", async () => {
  const { job, clock, tenure, passes } = await begin();
  job("echo a");
  for (let ms = 0; ms < settings.BATCH_WAIT_MS - 1; ms += 1) {
    clock.pass(1);
    tenure.poke();
  }
  await pause(50);
  expect(passes).toEqual([]);
  clock.pass(1);
  await happens(() => passes.length === 1);
});
