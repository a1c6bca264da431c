/** A tenure on the scripted engine, a real process, without a server: jobs go in, and what becomes of them is written down in order. */
import { setTimeout as pause } from "node:timers/promises";
import type { Held } from "@parlance/bus";
import { headerNames, type Lane, readSettings, subjects } from "@parlance/contracts";
import { leaseSettings, monotonicClock, yieldSettings } from "@parlance/gpu-lease";
import type { Json } from "@parlance/inference/engine";
import { createLog } from "@parlance/telemetry";
import { createInbox } from "../inbox.ts";
import { createHeldJobs, forTenure } from "../lanes/held-jobs.ts";
import { asItIs, readJob } from "../lanes/job.ts";
import { readWindow } from "../lanes/window.ts";
import { createLoadMemory } from "../model/load-memory.ts";
import { createLoadWishes } from "../model/load-wishes.ts";
import { createWorkerModels } from "../model/worker-models.ts";
import { createTenureDiary, type TenureNote } from "../tenure/tenure-diary.ts";
import type { TenureNews } from "../tenure/tenure-news.ts";
import type { RowEnd, TenureSettings } from "../tenure/tenure-state.ts";
import { createTenures, type Tenures, type TenuresOptions } from "../tenure/tenures.ts";
import { type HandClock, handClock } from "./hand-clock.ts";
import { scriptedEngine, windowAsItIs } from "./scripted-worker.ts";

const SECOND = 1_000;
export const defaults = readSettings(
  [...leaseSettings, "IDLE_TIMEOUT", "BATCH_WAIT_MS", "MAX_BATCH_SIZE", "PASS_TIMEOUT", "LIVE_BATCH_SHARE"],
  {},
);
export const RENEWAL_MS = (defaults.LEASE_TTL * SECOND) / 3;

export interface RigOptions {
  settings?: Partial<TenureSettings>;
  engine?: Json;
}

export interface Happening {
  /** The job's script, or of a note its name. */
  what: string;
  how: "settled" | "failed" | "unwanted" | "convicted" | "given back" | "late";
  end?: RowEnd;
}

export interface TenureRig {
  tenures: Tenures;
  clock: HandClock;
  /** What became of jobs, in order. */
  happened: Happening[];
  notes: TenureNote[];
  ended(): string[];
  passes(): number[];
  put(news: TenureNews): void;
  /** Time with everything that the default settings let happen meanwhile: each renewal comes back as a change. */
  live(seconds: number): void;
  job(script: string, lane?: Lane, batchId?: string): void;
  /** Windows that come together, each of its own session, with so many milliseconds to live. */
  windows(scripts: readonly string[], lifeMs?: number): void;
  /** So many jobs came to an end. */
  done(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A model that is asked for by name is loaded already. */
export async function openTenure({ settings, engine = {} }: RigOptions = {}): Promise<TenureRig> {
  const clock = handClock(monotonicClock.now());
  const log = createLog("test", "silent");
  const inbox = createInbox<TenureNews>();
  const held = createHeldJobs();
  const wishes = createLoadWishes();
  const happened: Happening[] = [];
  const notes: TenureNote[] = [];
  const lease: TenuresOptions["lease"] = {
    id: "w",
    held: true,
    predecessors: () => [],
    waiting: () => [],
    holder: () => undefined,
    deadline: () => monotonicClock.now() + 600 * SECOND,
    acquire: async () => {},
    urge() {},
    release: async () => {},
  };
  const maxBatchSize = settings?.maxBatchSize ?? defaults.MAX_BATCH_SIZE;
  const diary = createTenureDiary({
    bus: { publish() {} },
    worker: { id: "w", model: () => undefined },
    unfinished: { begun() {}, ended() {}, stopped() {} },
    ...{ metrics: undefined, clock, log },
  });
  const tenures = createTenures({
    ...{ inbox, family: "asr", lease, held, wishes, metrics: undefined, clock, log },
    settle: {
      outcome(job, end) {
        held.drop(job);
        happened.push({ what: text(job.payload), how: end.outcome.ok ? "settled" : "failed", end });
      },
      convicted(job) {
        held.drop(job);
        happened.push({ what: text(job.payload), how: "convicted" });
      },
      unwanted(job) {
        held.drop(job);
        happened.push({ what: text(job.payload), how: "unwanted" });
      },
    },
    answers: {
      outcome(window, end) {
        held.drop(window);
        happened.push({ what: text(window.payload), how: end.outcome.ok ? "settled" : "failed", end });
      },
      convicted(window) {
        held.drop(window);
        happened.push({ what: text(window.payload), how: "failed" });
      },
      late(window) {
        held.drop(window);
        happened.push({ what: text(window.payload), how: "late" });
      },
      unwanted(window) {
        held.drop(window);
        happened.push({ what: text(window.payload), how: "unwanted" });
      },
    },
    parts: { tell() {}, over() {} },
    models: createWorkerModels({
      served: [{ model: { name: "scripted", options: engine, maxBatchSize }, source: undefined, operations: [] }],
      onDownload() {},
      ...{ clock, metrics: undefined },
    }),
    memory: createLoadMemory({ on: { device: "cpu" }, clock, log }),
    diary: {
      ...diary,
      note(note, jobs) {
        notes.push(note);
        diary.note(note, jobs);
      },
    },
    engine: { entry: scriptedEngine, on: { id: "cpu-test", device: "cpu" } },
    settings: {
      ...yieldSettings(defaults),
      maxBatchSize,
      batchWaitMs: defaults.BATCH_WAIT_MS,
      idleMs: defaults.IDLE_TIMEOUT * SECOND,
      passTimeoutMs: defaults.PASS_TIMEOUT * SECOND,
      batchShare: defaults.LIVE_BATCH_SHARE / 100,
      models: 1,
      hasSessions: true,
      ...settings,
    },
    signal: new AbortController().signal,
  });
  tenures.serve({ poke() {}, withdraw() {} });
  const loaded = wishes.add();
  inbox.put({ type: "wished", since: Date.now(), model: 0 });
  if (!(await loaded)) throw new Error("another worker loads it");
  let number = 0;
  let renewal = clock.now() + RENEWAL_MS;
  return {
    ...{ tenures, clock, happened, notes, put: inbox.put },
    ended: () => notes.flatMap((note) => (note.do === "note-end" ? [note.reason] : [])),
    passes: () => notes.flatMap((note) => (note.do === "note-pass" ? [note.size] : [])),
    live(seconds) {
      const until = clock.now() + seconds * SECOND;
      for (; renewal <= until; renewal += RENEWAL_MS) {
        clock.pass(renewal - clock.now());
        inbox.put({ type: "lease-changed" });
      }
      clock.pass(until - clock.now());
    },
    job(script, lane = "batch", batchId = "b") {
      number += 1;
      const giveBack = () => void happened.push({ what: script, how: "given back" });
      const subject = subjects.job("transcribe", lane, batchId, String(number), 0);
      const headers: [string, string][] = [
        [headerNames.submittedAt, "0"],
        [headerNames.last, "true"],
      ];
      const job = readJob(delivered(number, subject, script, headers, giveBack), asItIs, clock.now());
      held.add(job);
      inbox.put({ type: "job", job: forTenure(job, 0) });
    },
    windows(scripts, lifeMs = 60_000) {
      const taken = scripts.map((script) => {
        number += 1;
        const giveBack = () => void happened.push({ what: script, how: "given back" });
        const values: [string, string][] = [
          [headerNames.item, "0"],
          [headerNames.window, "0"],
          [headerNames.deadline, String(Date.now() + lifeMs)],
        ];
        const subject = subjects.liveWindow(`s${number}`);
        return readWindow(delivered(number, subject, script, values, giveBack), windowAsItIs, clock.now());
      });
      for (const window of taken) held.add(window);
      inbox.put({ type: "windows", windows: taken.map((window) => forTenure(window, 0)) });
    },
    done: (count) => happens(() => happened.length >= count),
    async close() {
      const closed = tenures.close();
      // What runs has this long to end.
      await pause(20);
      clock.pass(60 * SECOND);
      await closed;
    },
  };
}

/** What the engine process does takes real time. */
export async function happens(check: () => boolean): Promise<void> {
  for (let waited = 0; !check() && waited < 20_000; waited += 5) await pause(5);
  if (!check()) throw new Error("it did not happen in time");
}

function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

function delivered(
  seq: number,
  subject: string,
  script: string,
  headers: readonly [string, string][],
  nak: () => void,
): Held {
  const values = new Map(headers);
  return {
    ...{ seq, time: Date.now(), deliveries: 1, pending: 0, settled: false },
    subject,
    headers: {
      get: (name) => values.get(name) ?? "",
      has: (name) => values.has(name),
      keys: () => [...values.keys()],
      malformed: undefined,
    },
    data: new TextEncoder().encode(script),
    ack: async () => {},
    nak,
    working() {},
    term() {},
    letGo() {},
  };
}
