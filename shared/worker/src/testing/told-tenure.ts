/** The machine of a tenure, told what happens by hand. */
import type { Lane } from "@parlance/contracts";
import type { WorkLane } from "../lanes/work-lane.ts";
import { tenureMachine } from "../tenure/tenure-machine.ts";
import type { RowEnd, TenureEffect, TenureEvent, TenureJob, TenureSettings } from "../tenure/tenure-state.ts";

type Timeless<Event> = Event extends unknown ? Omit<Event, "now"> : never;
export type Handed = Extract<TenureEffect, { do: "hand" }>;

const settings: TenureSettings = {
  ...{ maxBatchSize: 4, batchWaitMs: 20, idleMs: 0, passTimeoutMs: 60_000 },
  ...{ quantumMs: 5_000, swapShare: 0.1, urgentShare: 0.5, batchShare: 0.1, models: 1, hasSessions: true },
};

export type ToldTenureOptions = Partial<TenureSettings> & { refills?: boolean; cuda?: boolean };

/** A worker whose engine is loaded, told what happens by hand. */
export function toldTenure({ refills = false, cuda = false, ...change }: ToldTenureOptions = {}) {
  const machine = tenureMachine({ ...settings, ...change });
  let state = machine.initial;
  let now = 0;
  let jobs = 0;
  const told: TenureEffect[] = [];

  function tell(event: Timeless<TenureEvent>): TenureEffect[] {
    const [next, effects] = machine.next(state, { ...event, now });
    state = next;
    told.push(...effects);
    return effects;
  }
  const handed = (effects: readonly TenureEffect[]): Handed[] =>
    effects.flatMap((effect) => (effect.do === "hand" ? [effect] : []));
  function number(name: "acquire" | "load"): number {
    const found = told.findLast((effect) => effect.do === name);
    if (found?.do === "acquire") return found.call;
    return found?.do === "load" ? found.engine : 0;
  }

  tell({ type: "wished", since: 0, model: 0 });
  tell({ type: "prepared", model: 0, maxBatchSize: settings.maxBatchSize });
  tell({ type: "granted", call: number("acquire") });
  tell({ type: "loaded", engine: number("load"), refills, cuda, loadMs: 1_000 });
  const end = (pass: number, row: number, outcome: RowEnd["outcome"] = { ok: true, meta: null }, ms = 10, gapMs = 0) =>
    tell({ type: "ended", pass, row, end: { outcome, size: 1, startedAt: 0, finishedAt: ms, gapMs } });
  return {
    ...{ tell, end, told, handed },
    phase: () => state.phase.name,
    wakeAt: () => machine.wakeAt(state),
    /** Effects of a job's coming. */
    job(lane: WorkLane, more: Partial<TenureJob> = {}) {
      jobs += 1;
      const job = {
        id: jobs,
        model: 0,
        lane,
        batchId: "b",
        together: 1,
        bytes: 100,
        suspicion: 0,
        arrivedAt: now,
        publishedAt: 0,
        expiresAt: undefined,
      };
      return tell({ type: "job", job: { ...job, ...more } });
    },
    /** Effects of the end of its last row. */
    endAll({ pass, jobs: rows }: Handed, gapMs = 0): TenureEffect[] {
      return [...rows.keys()].reduce<TenureEffect[]>((_, row) => end(pass, row, undefined, undefined, gapMs), []);
    },
    start: ({ pass, jobs: rows }: Handed, run: number) =>
      tell({ type: "started", pass, rows: [...rows.keys()], run, at: 0 }),
    pass(ms: number) {
      now += ms;
      return tell({ type: "tick" });
    },
    /** Effects of the coming of windows, together, each of a session of its own. */
    windows(count: number, lifeMs = 1_000, more: Partial<TenureJob> = {}) {
      const windows = Array.from({ length: count }, (): TenureJob => {
        jobs += 1;
        const common = {
          id: jobs,
          model: 0,
          lane: "window",
          batchId: `s${jobs}`,
          together: 1,
          bytes: 50,
          suspicion: 0,
        } as const;
        return { ...common, arrivedAt: now, publishedAt: 0, expiresAt: now + lifeMs, ...more };
      });
      return tell({ type: "windows", windows });
    },
    /** The number of what came last. */
    newest: () => jobs,
    state: () => state,
    waits: (lane: Lane) => tell({ type: "standing", standby: false, waiters: [{ lane, since: now }] }),
    /** A full batch pass that runs. */
    full(run = 1): Handed {
      const [first] = handed(Array.from({ length: settings.maxBatchSize }, () => this.job("batch")).flat());
      if (first === undefined) throw new Error("a full pass was not handed over");
      this.start(first, run);
      return first;
    },
  };
}

export const ids = (handed: readonly Handed[]) => handed.map(({ jobs }) => jobs.map(({ id }) => id));
