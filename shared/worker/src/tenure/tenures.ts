/**
 * One tenure after another, for as long as there is work: the machine (tenure-machine.ts) decides, and here it is done. Whatever
 * happens is put into the inbox, told to the machine with the time of its turn, and what the machine asks for is performed.
 */
import type { Family } from "@parlance/contracts";
import type { Clock, Lease } from "@parlance/gpu-lease";
import type { EngineRun } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { Inbox } from "../inbox.ts";
import { isOpen, roomFor } from "../lanes/demand.ts";
import type { HeldJobs, Work } from "../lanes/held-jobs.ts";
import { rank, type WorkLane, workLanes } from "../lanes/work-lane.ts";
import type { LoadMemory } from "../model/load-memory.ts";
import type { LoadWishes } from "../model/load-wishes.ts";
import { loadFailure } from "../model/model-state.ts";
import { prepareModel } from "../model/prepare-model.ts";
import type { WorkerModels } from "../model/worker-models.ts";
import type { Parts } from "../parts/parts.ts";
import type { WindowAnswers } from "../results/answer-window.ts";
import type { PassSettlement } from "../results/settle-pass.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import { askLease } from "./ask-lease.ts";
import { tenureOf } from "./draft.ts";
import type { EngineDescription } from "./engine-description.ts";
import { createEngineSlot, type EngineSlotOptions } from "./engine-slot.ts";
import { handPass } from "./hand-pass.ts";
import { standing } from "./standing.ts";
import { createSwapLog, type SwapLog } from "./swap-log.ts";
import type { TenureDiary } from "./tenure-diary.ts";
import { tenureMachine } from "./tenure-machine.ts";
import type { TenureNews, Timeless } from "./tenure-news.ts";
import type { TenureEffect, TenureEvent, TenureJob, TenureSettings, TenureState } from "./tenure-state.ts";

export interface Tenures {
  readonly state: TenureState;
  /** Of the engine that is loaded. */
  readonly loaded: EngineDescription | undefined;
  /** What the newest loaded engine said of itself. */
  readonly description: EngineDescription | undefined;
  readonly enginePid: number | undefined;
  readonly swaps: SwapLog["state"];
  /** Jobs are taken. */
  readonly open: boolean;
  /** How many more of a lane are wanted for a model. */
  room(lane: WorkLane, model: number): number;
  /** Ends the current tenure once what runs has ended; resolves when the lease is let go. */
  unload(): Promise<void>;
  /** To be called once. */
  serve(pulls: { poke(): void; withdraw(): void }): void;
  /** Lets what runs end for a while; resolves when no engine is left and the lease is let go. */
  close(): Promise<void>;
}

export interface TenuresOptions {
  inbox: Inbox<TenureNews>;
  family: Family;
  lease: Pick<
    Lease,
    "id" | "held" | "holder" | "waiting" | "deadline" | "predecessors" | "acquire" | "urge" | "release"
  >;
  held: HeldJobs;
  settle: PassSettlement;
  answers: Omit<WindowAnswers, "unreadable">;
  parts: Pick<Parts, "tell" | "over">;
  models: WorkerModels;
  wishes: LoadWishes;
  memory: LoadMemory;
  diary: TenureDiary;
  engine: Pick<EngineSlotOptions, "entry" | "on">;
  settings: TenureSettings;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
  /** Ends getting files ready. */
  signal: AbortSignal;
}

export function createTenures(options: TenuresOptions): Tenures {
  const { inbox, family, lease, held, settle, answers, parts, models, wishes, memory, diary } = options;
  const { settings, clock, log, signal } = options;
  const machine = tenureMachine(settings);
  const swaps = createSwapLog();
  const runs = new Map<number, EngineRun>();
  let state = machine.initial;
  let description: EngineDescription | undefined;
  let stopAsking: () => void = () => {};
  let cancelTick: (() => void) | undefined;
  let pulls: { poke(): void; withdraw(): void } = { poke() {}, withdraw() {} };
  /** Called as soon as there is no engine, and as soon as there is no lease. */
  const withoutEngine: (() => void)[] = [];
  const withoutLease: (() => void)[] = [];
  const closed = Promise.withResolvers<void>();

  const slot = createEngineSlot({
    ...options.engine,
    lease,
    metrics: options.metrics,
    clock,
    log,
    onLoaded(engine, { description: told, loadMs }, swap) {
      description = told;
      models.of(state.model).trouble.over();
      if (tenureOf(state)?.began === undefined) swaps.add(swap);
      inbox.put({ type: "loaded", engine, refills: told.refills, cuda: told.cuda, loadMs });
    },
    onLoadFailed(engine, error) {
      const { trouble } = models.of(state.model);
      trouble.failed(error);
      inbox.put({ type: "load-failed", engine, error, restMs: trouble.restMs });
    },
    onExited: (engine) => inbox.put({ type: "exited", engine }),
  });

  function take(news: TenureNews): void {
    if (news.type === "lease-extended") slot.extend(news.deadline);
    else step(eventOf(news));
  }

  function eventOf(news: Exclude<TenureNews, { type: "lease-extended" }>): Timeless<TenureEvent> {
    if (news.type === "lease-changed") return { type: "standing", ...standing(lease, family, clock.now()) };
    if (news.type === "lost") withoutEngine.push(news.stopped);
    return news;
  }

  function step(event: Timeless<TenureEvent>): void {
    const before = state;
    const [next, effects] = machine.next(state, { ...event, now: clock.now() });
    state = next;
    for (const effect of effects) perform(effect);
    const hasMoreRoom = (lane: WorkLane) =>
      models.all.some((_, model) => roomFor(state, lane, model) > roomFor(before, lane, model));
    if (workLanes.some(hasMoreRoom)) pulls.poke();
    const there = new Set(tenureOf(state)?.passes.map(({ id }) => id));
    for (const id of runs.keys()) if (!there.has(id)) runs.delete(id);
    if (tenureOf(before) !== undefined && tenureOf(state) === undefined) swaps.ended(Date.now());
    if (tenureOf(state) === undefined) for (const tell of withoutEngine.splice(0)) tell();
    if (tenureOf(state) === undefined && state.phase.name !== "releasing") {
      for (const tell of withoutLease.splice(0)) tell();
    }
    if (state.phase.name === "closed") closed.resolve();
    cancelTick?.();
    const wakeAt = machine.wakeAt(state);
    cancelTick = wakeAt === undefined ? undefined : clock.schedule(wakeAt, () => inbox.put({ type: "tick" }));
  }

  function perform(effect: TenureEffect): void {
    switch (effect.do) {
      case "prepare":
        void prepareModel({ model: effect.model, of: models.of(effect.model), inbox, log, signal });
        return;
      case "acquire":
        stopAsking = askLease({ lease, inbox, log }, effect);
        return;
      case "urge":
        lease.urge(effect.lane, Math.min(Date.now(), effect.since ?? Date.now()));
        return;
      case "stop-asking":
        stopAsking();
        return;
      case "release":
        void lease.release().then(() => {
          diary.released();
          inbox.put({ type: "released" });
        });
        return;
      case "load":
        load(effect);
        return;
      case "kill":
        diary.killed();
        slot.kill(effect.engine);
        return;
      case "hand":
        hand(effect);
        return;
      case "stop":
        runs.get(effect.pass)?.stop(effect.rows);
        return;
      case "settle":
        for (const work of find([effect.job])) {
          if (description === undefined) return;
          if (work.kind === "job") settle.outcome(work, effect.end, description);
          else answers.outcome(work, effect.end, description);
        }
        return;
      case "unwanted":
        for (const work of find([effect.job])) {
          if (work.kind === "job") settle.unwanted(work);
          else answers.unwanted(work);
        }
        return;
      case "late":
        for (const work of find([effect.job])) if (work.kind === "window") answers.late(work);
        return;
      case "convict":
        for (const work of find([effect.job])) {
          if (work.kind === "job") settle.convicted(work, effect.failure, effect.deadLetter);
          else answers.convicted(work, effect.failure, effect.job.suspicion);
        }
        return;
      case "give-back":
        for (const job of find(effect.jobs)) held.giveBack(job);
        return;
      case "let-go":
        for (const job of find(effect.jobs)) held.drop(job);
        return;
      case "withdraw":
        pulls.withdraw();
        return;
      case "grant-wishes":
        wishes.loaded();
        return;
      case "send-wishes-elsewhere":
        wishes.elsewhere();
        return;
      case "deny-wishes":
        wishes.failed(loadFailure(effect.error));
        return;
      default:
        diary.note(effect, "jobs" in effect ? find(effect.jobs) : []);
    }
  }

  function load({ engine, model }: Extract<TenureEffect, { do: "load" }>): void {
    const { current } = models.of(model).choice;
    slot.load(engine, { options: current.options, memory: memory.of(current) });
  }

  function hand({ pass, lane, jobs, room }: Extract<TenureEffect, { do: "hand" }>): void {
    const rows = find(jobs);
    if (slot.loaded === undefined || rows.length < jobs.length) throw new Error("there is nothing to run, or nowhere");
    const { engine, description } = slot.loaded;
    const handed = { pass, jobs: rows, urgency: rank(lane), room };
    runs.set(pass, handPass(handed, { engine, model: description.name, parts, onNews: inbox.put }));
  }

  function find(jobs: readonly TenureJob[]): Work[] {
    return jobs.flatMap(({ id }) => held.find(id) ?? []);
  }

  return {
    get state() {
      return state;
    },
    get loaded() {
      return state.phase.name === "working" ? slot.loaded?.description : undefined;
    },
    get description() {
      return description;
    },
    get enginePid() {
      return slot.pid;
    },
    get swaps() {
      return swaps.state;
    },
    get open() {
      return isOpen(state);
    },
    room: (lane, model) => roomFor(state, lane, model),
    unload() {
      if (tenureOf(state) === undefined) return Promise.resolve();
      const left = new Promise<void>((resolve) => withoutLease.push(resolve));
      inbox.put({ type: "unload" });
      return left;
    },
    serve(served) {
      pulls = served;
      inbox.open(take);
      inbox.put({ type: "lease-changed" });
      pulls.poke();
    },
    close() {
      inbox.put({ type: "close" });
      return closed.promise;
    },
  };
}
