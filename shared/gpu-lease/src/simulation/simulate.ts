/**
 * One accelerator, two families, a schedule: what happens in so many minutes. Pure and seeded.
 *
 * Time goes from event to event: a job comes, a pass ends, a model is loaded. Passes are filled as the worker fills them: the
 * most urgent lane leads, less urgent jobs take the places that are left. Jobs of one family are of one length, and passes
 * and swaps vary by a tenth around what the scenario says.
 */
import { type Family, families, type Lane, lanes } from "@parlance/contracts";
import { createSwapCredit, type SwapCredit } from "../swap-credit.ts";
import { requestsAlone, type YieldQuestion, type YieldSettings } from "../yield-policy.ts";
import type { Random } from "./random.ts";

/** `backlog`: more work than there is time. Otherwise jobs come at random, on average one in so many milliseconds. */
export type Arrivals = "backlog" | { everyMs: number; regular?: boolean };

export interface FamilyLoad {
  swapMs: number;
  /** A pass of n jobs takes `base + n × perJob` milliseconds. */
  pass: { base: number; perJob: number; maxJobs: number };
  arrivals: Partial<Record<Lane, Arrivals>>;
  /** Its realtime jobs are of live sessions. */
  sessions?: boolean;
}

export type Scenario = Record<Family, FamilyLoad>;

export interface Schedule {
  name: string;
  settings: YieldSettings;
  yields(question: YieldQuestion): boolean;
}

export interface LaneReport {
  /** Milliseconds from coming to the beginning of the pass, of each job that was run, backlogs left out. */
  waits: number[];
  /** Those of jobs that came while their family was not loaded. */
  waitsUnloaded: number[];
  done: number;
}

export interface Report {
  totalMs: number;
  swaps: number;
  swapMs: number;
  lanes: Record<Family, Record<Lane, LaneReport>>;
  /** Longest time that a family had work on the batch lane and none of it was begun. */
  longestBatchGapMs: Record<Family, number>;
  /** Longest pass and longest swap that happened. */
  longestPassMs: number;
  longestSwapMs: number;
}

interface WaitingJob {
  at: number;
  /** Whether its family was loaded when it came. */
  loaded: boolean;
}

interface FamilyState {
  queues: Record<Lane, WaitingJob[]>;
  upcoming: Record<Lane, number>;
  credit: SwapCredit;
  /** Since when batch work has waited without any of it being run. */
  batchWaitsSince: number | undefined;
  /** Passes in a row that left batch work behind. */
  passedOver: number;
  /** When live work of a session was there last. */
  liveAt: number;
}

const other: Record<Family, Family> = { asr: "tts", tts: "asr" };

export function simulate(scenario: Scenario, schedule: Schedule, totalMs: number, random: Random): Report {
  const report = emptyReport(totalMs);
  const state: Record<Family, FamilyState> = { asr: familyState("asr"), tts: familyState("tts") };
  let now = 0;
  let loaded: { family: Family; since: number; swapMs: number; passes: number } | undefined;
  let busyUntil = 0;
  let loading: { family: Family; swapMs: number } | undefined;

  function familyState(family: Family): FamilyState {
    const { arrivals } = scenario[family];
    const first = (lane: Lane) => {
      const kind = arrivals[lane];
      return kind === undefined || kind === "backlog" ? Number.POSITIVE_INFINITY : gap(kind) * random();
    };
    return {
      queues: { realtime: [], interactive: [], batch: [] },
      upcoming: { realtime: first("realtime"), interactive: first("interactive"), batch: first("batch") },
      credit: createSwapCredit(schedule.settings.urgentShare),
      batchWaitsSince: arrivals.batch === "backlog" ? 0 : undefined,
      passedOver: 0,
      liveAt: Number.NEGATIVE_INFINITY,
    };
  }

  function gap({ everyMs, regular }: { everyMs: number; regular?: boolean }): number {
    return regular ? everyMs * (0.8 + 0.4 * random()) : -everyMs * Math.log(1 - random());
  }

  const isBacklog = (family: Family, lane: Lane) => scenario[family].arrivals[lane] === "backlog";
  const waitingLanes = (family: Family) =>
    lanes.filter((lane) => isBacklog(family, lane) || state[family].queues[lane].length > 0);

  function arrive(family: Family, lane: Lane): void {
    const kind = scenario[family].arrivals[lane];
    if (kind === undefined || kind === "backlog") return;
    const mine = state[family];
    mine.queues[lane].push({ at: now, loaded: loaded?.family === family });
    mine.upcoming[lane] = now + gap(kind);
    if (lane === "realtime" && scenario[family].sessions === true) mine.liveAt = now;
    if (lane === "batch") mine.batchWaitsSince ??= now;
  }

  function load(family: Family): void {
    if (loaded !== undefined) state[loaded.family].credit.stayed(now - loaded.since);
    loaded = undefined;
    const swapMs = scenario[family].swapMs * around(random);
    loading = { family, swapMs };
    busyUntil = now + swapMs;
    report.swaps += 1;
    report.swapMs += swapMs;
    report.longestSwapMs = Math.max(report.longestSwapMs, swapMs);
  }

  function runPass(family: Family): void {
    const { base, perJob, maxJobs } = scenario[family].pass;
    let rows = 0;
    const mine = state[family];
    const alone = requestsAlone(questionFor(family), base + perJob * maxJobs, mine.passedOver);
    const chosen = waitingLanes(family).filter((lane) => lane !== "batch" || !alone);
    mine.passedOver = alone && waitingLanes(family).includes("batch") ? mine.passedOver + 1 : 0;
    for (const lane of chosen) {
      const queue = mine.queues[lane];
      const free = maxJobs - rows;
      const taken = isBacklog(family, lane) ? free : Math.min(free, queue.length);
      for (const job of queue.splice(0, taken)) {
        report.lanes[family][lane].waits.push(now - job.at);
        if (!job.loaded) report.lanes[family][lane].waitsUnloaded.push(now - job.at);
      }
      report.lanes[family][lane].done += taken;
      rows += taken;
      if (lane === "batch" && taken > 0) endGap(family);
    }
    const passMs = (base + rows * perJob) * around(random);
    report.longestPassMs = Math.max(report.longestPassMs, passMs);
    busyUntil = now + passMs;
    if (loaded !== undefined) loaded.passes += 1;
  }

  function endGap(family: Family): void {
    const mine = state[family];
    if (mine.batchWaitsSince !== undefined) {
      report.longestBatchGapMs[family] = Math.max(report.longestBatchGapMs[family], now - mine.batchWaitsSince);
    }
    mine.batchWaitsSince = isBacklog(family, "batch") || mine.queues.batch.length > 0 ? now : undefined;
  }

  function decide(): void {
    if (busyUntil > now) return;
    if (loading !== undefined) {
      loaded = { ...loading, since: now, passes: 0 };
      state[loading.family].credit.loaded(loading.swapMs);
      loading = undefined;
    }
    if (loaded === undefined) {
      const [first] = families.filter((family) => waitingLanes(family).length > 0);
      if (first !== undefined) load(first);
      return;
    }
    const { family } = loaded;
    const question = questionFor(family);
    if (question.waiter !== undefined && schedule.yields(question)) load(other[family]);
    else if (question.ownLanes.length > 0) runPass(family);
  }

  function questionFor(family: Family): YieldQuestion {
    const { since = now, passes = 0, swapMs = 0 } = loaded ?? {};
    const [theirs] = waitingLanes(other[family]);
    return {
      ...schedule.settings,
      ownLanes: waitingLanes(family),
      waiter: theirs && { lane: theirs, waitingMs: now - oldest(other[family]) },
      quietMs: now - state[family].liveAt,
      heldMs: now - since,
      passes,
      swapMs,
      creditMs: state[family].credit.after(now - since),
    };
  }

  function oldest(family: Family): number {
    const { queues, batchWaitsSince } = state[family];
    return Math.min(batchWaitsSince ?? now, ...lanes.flatMap((lane) => queues[lane].slice(0, 1).map(({ at }) => at)));
  }

  while (now < totalMs) {
    decide();
    const coming = families.flatMap((family) =>
      lanes.map((lane) => ({ family, lane, at: state[family].upcoming[lane] })),
    );
    const next = coming.reduce((best, each) => (each.at < best.at ? each : best));
    if (busyUntil > now && busyUntil <= next.at) now = busyUntil;
    else if (next.at === Number.POSITIVE_INFINITY) break;
    else {
      now = next.at;
      arrive(next.family, next.lane);
    }
  }
  for (const family of families) if (state[family].batchWaitsSince !== undefined) endGap(family);
  return report;
}

function around(random: Random): number {
  return 0.9 + 0.2 * random();
}

function emptyReport(totalMs: number): Report {
  const lane = (): LaneReport => ({ waits: [], waitsUnloaded: [], done: 0 });
  const family = () => ({ realtime: lane(), interactive: lane(), batch: lane() });
  return {
    totalMs,
    swaps: 0,
    swapMs: 0,
    lanes: { asr: family(), tts: family() },
    longestBatchGapMs: { asr: 0, tts: 0 },
    longestPassMs: 0,
    longestSwapMs: 0,
  };
}
