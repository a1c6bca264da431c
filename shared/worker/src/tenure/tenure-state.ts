/**
 * The worker as a state: what it has to do, what it has of the lease and of an engine, and which row runs where.
 *
 *   idle ──work, and files ready──▶ asking ──granted──▶ loading ──loaded──▶ working
 *    ▲  ▲                              │ refused            ▲  ▲                │  ▲ died: loading again
 *    │  └──────────────────────────────┘                    │  └─another model's turn
 *    └──released── releasing ◀──the engine is gone── ending ┴◀─idle, yielded, told, lost
 *
 * What it has to do are jobs and windows of live sessions. A window is worth something until its time is up: then it is answered as
 * late, wherever it waits, and it is never run twice. A session is **open** while live work comes: other families and less
 * urgent rows reckon with its next window before that is here.
 *
 * A **tenure** is the time from `granted` to `released`. Before it, work is noticed by pulling a job of each lane. The files
 * are made ready before the lease is asked for, so that nobody's turn is spent on a download. What cannot be had or loaded
 * is tried again after a pause, whether there is work or not, and at once for somebody who waits for the model by name.
 *
 * A worker may have several **models**, known by their numbers, of which one is loaded at a time. Each job is of one of them. Those of
 * the others wait for its turn as another family does (turns.ts), noticed as before a tenure, and their files are made ready meanwhile.
 *
 * While it works, the engine has passes: those it has begun run inside each other, the most urgent innermost, and of each
 * lane one waits behind them. A row settles when it ends. The rest of the state says why nothing is handed over:
 *
 *   leaving     it was told to end (unloaded by hand, stopped): rows that run may end, all others are called back
 *   hung        no row began or ended for PASS_TIMEOUT: the engine is being killed, and those that ran are suspects
 *   breather    urgent work came without a gap for too long: what it interrupted goes on for a moment (live work: live-share.ts)
 *
 * `ending` lasts until the engine's process is gone, and only then is the lease let go.
 */
import type { Failure, Lane } from "@parlance/contracts";
import type { Credit, YieldReason, YieldSettings } from "@parlance/gpu-lease";
import type { EngineExit, EngineOutcome, Room, RowRun } from "@parlance/inference/engine";
import type { Suspect } from "../blame/blame.ts";
import type { WorkLane } from "../lanes/work-lane.ts";
import type { Composable } from "./compose-pass.ts";
import type { YieldGaps } from "./yield-gaps.ts";

/** How a tenure ends. */
export type TenureEnd = YieldReason | "idle-timeout" | "unloaded" | "lost" | "stopped" | "load-failed" | "engine-gone";

export interface TenureSettings extends YieldSettings {
  maxBatchSize: number;
  batchWaitMs: number;
  /** 0: never. */
  idleMs: number;
  passTimeoutMs: number;
  /** Of the time, 0 to 1: what live work leaves to other work that waits. */
  batchShare: number;
  /** How many there are, numbered from 0. */
  models: number;
  /** Live work here belongs to sessions, of which more follows. */
  hasSessions: boolean;
}

/** What is decided by. `id` stands for the rest of it. */
export interface TenureJob extends Composable, Suspect {
  readonly id: number;
  /** Whose it is of the worker's models. */
  readonly model: number;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** On the clock of the events. Of a window: nobody waits for it any longer. */
  readonly expiresAt: number | undefined;
}

/** A job in the engine. */
export interface Row {
  readonly job: TenureJob;
  /** Its number in the pass. */
  readonly row: number;
  /** The engine's own pass in which it runs; undefined while it waits there. */
  readonly run: number | undefined;
  /** Why it was told to stop: its batch was cancelled, or it had not begun and is wanted here again. */
  readonly stopped: "unwanted" | "recalled" | undefined;
}

export interface Pass {
  readonly id: number;
  /** The most urgent one of its jobs'. */
  readonly lane: WorkLane;
  /** Those that have not ended. */
  readonly rows: readonly Row[];
  readonly size: number;
  /** Of its longest row. */
  readonly bytes: number;
  readonly room: Room | undefined;
  /** It was handed over to join a running one. */
  readonly joins: boolean;
  /** Milliseconds since the epoch: of its first row's begin. */
  readonly startedAt: number | undefined;
}

/** A pass of the engine's own, in which rows of several that were handed over may run together. */
export interface Run {
  readonly number: number;
  readonly lane: WorkLane;
  /** Most rows that were in it at a time. */
  readonly width: number;
  readonly room: Room | undefined;
}

/** With an engine. */
export interface Tenure {
  /** Numbers the engines: what is told of any but the newest is ignored. */
  readonly engine: number;
  /** When the model was loaded first. */
  readonly began: number | undefined;
  /** The same of the first model since the lease is held. */
  readonly firstBegan: number | undefined;
  readonly refills: boolean;
  /** See ComposeQuestion. */
  readonly rowsAreCheap: boolean;
  /** Handed over, with rows that have not ended. */
  readonly passes: readonly Pass[];
  readonly runs: readonly Run[];
  /** Groups that run by themselves: halves of what did not fit, suspects alone. */
  readonly again: readonly (readonly TenureJob[])[];
  /** What a pass may take since one did not fit. */
  readonly budgetBytes: number;
  /** Passes that ended. */
  readonly passesRun: number;
  /** Since when there is nothing to do. */
  readonly idleSince: number | undefined;
  /** When a pass that is not full goes all the same. */
  readonly waitUntil: number | undefined;
  /** When the last row began or ended. */
  readonly movedAt: number;
  readonly hung: boolean;
  /** Rows died with it: nothing is handed to it while the end of its process is still to be told. */
  readonly dead: boolean;
  readonly breatherUntil: number | undefined;
  readonly leaving: "unloaded" | "stopped" | undefined;
  /** When that is over, whatever runs. */
  readonly leaveBy: number | undefined;
}

export type Phase =
  | { readonly name: "idle" }
  /** `unwanted`: no more, but the answer is still to come. */
  | { readonly name: "asking"; readonly call: number; readonly unwanted: boolean }
  | { readonly name: "loading" | "working"; readonly tenure: Tenure }
  /** `next`: the model whose turn it is, in the same tenure. */
  | {
      readonly name: "ending";
      readonly tenure: Tenure;
      readonly reason: TenureEnd;
      readonly next: number | undefined;
    }
  | { readonly name: "releasing"; readonly reason: TenureEnd }
  | { readonly name: "closed" };

export interface Waiter {
  readonly lane: Lane;
  /** On the clock of the events. */
  readonly since: number;
}

/** What live work leaves of the time (live-share.ts). */
export interface LiveShare {
  /** Milliseconds that others are owed; below zero: they had more than their share. */
  readonly owedMs: number;
  /** Live work waits until they have had it. */
  readonly breather: boolean;
}

/** What one tenure leaves to the next. */
export interface Turns {
  readonly credit: Credit;
  /** Passes in a row that left less urgent work behind. */
  readonly passedOver: number;
  /** What long passes take; fades as passes get shorter. */
  readonly passMs: number;
  /** What the newest pass took that ran inside another. */
  readonly insideMs: number;
  /** What the newest loading took. */
  readonly loadMs: number;
  readonly share: LiveShare;
}

export interface TenureState {
  readonly phase: Phase;
  /** Oldest first. */
  readonly waiting: readonly TenureJob[];
  /** How many there are. */
  readonly models: number;
  /** The one that is loaded, or is to be. */
  readonly model: number;
  /** Of that model. */
  readonly maxBatchSize: number;
  /** Models whose files are being made ready. */
  readonly preparing: readonly number[];
  /** Those whose files are, since they were last asked for. */
  readonly prepared: readonly { readonly model: number; readonly maxBatchSize: number }[];
  /** Those that could not be had or loaded, and when that is tried again; undefined: now. */
  readonly resting: readonly { readonly model: number; readonly until: number | undefined }[];
  /** Another worker of the family has the lease. */
  readonly standby: boolean;
  /** Other families that wait for the lease. */
  readonly waiters: readonly Waiter[];
  /** Somebody waits for a model by name, since then (milliseconds since the epoch). */
  readonly wished: { readonly since: number; readonly model: number } | undefined;
  /** A free lease is left to those it was yielded to. */
  readonly politeUntil: number;
  /** When live work of a session was here last; undefined: never. */
  readonly liveAt: number | undefined;
  /** Since when its session, or those before it without a gap, is open; milliseconds since the epoch. */
  readonly liveSince: number | undefined;
  /** Of the last event. */
  readonly heardAt: number;
  readonly closing: boolean;
  readonly turns: Turns;
  /** When a request came last; undefined: never. */
  readonly askedAt: number | undefined;
  /** Of each model, by its number. */
  readonly gaps: Readonly<Record<number, YieldGaps>>;
  /** Numbers passes, engines and calls. */
  readonly count: number;
  /** What is wanted of the lanes, as of the last event (lanes/demand.ts). */
  readonly mode: Mode;
}

export type Mode = "work" | "alarm" | "resting" | "standby" | "closed";

export type TenureEvent = { readonly now: number } & (
  | { type: "job"; job: TenureJob }
  /** They came together. */
  | { type: "windows"; windows: readonly TenureJob[] }
  /** Somebody else's by now. */
  | { type: "stale"; ids: readonly number[] }
  | { type: "cancelled"; batchId: string }
  /** Somebody took or left the lease, began or ceased to wait. */
  | { type: "standing"; standby: boolean; waiters: readonly Waiter[] }
  /** Somebody waits for the model by name. `since`: milliseconds since the epoch. */
  | { type: "wished"; since: number; model: number }
  | { type: "unload" }
  | { type: "close" }
  | { type: "prepared"; model: number; maxBatchSize: number }
  /** `restMs`: undefined when another one is chosen in its place by now. */
  | { type: "not-prepared"; model: number; error: Error; restMs: number | undefined }
  | { type: "granted" | "refused"; call: number }
  /** What the engine is alive by must be gone as fast as it can. */
  | { type: "lost" }
  | { type: "released" }
  | { type: "loaded"; engine: number; refills: boolean; cuda: boolean; loadMs: number }
  | { type: "load-failed"; engine: number; error: Error; restMs: number }
  /** Comes once for every engine, after all that became of its passes. */
  | { type: "exited"; engine: number }
  /** `at`: milliseconds since the epoch. */
  | { type: "started"; pass: number; rows: readonly number[]; run: number; at: number }
  | { type: "ended"; pass: number; row: number; end: RowEnd }
  | { type: "failed"; pass: number; rows: readonly number[]; failure: Failure }
  | {
      type: "died";
      pass: number;
      rows: readonly number[];
      running: readonly number[];
      exit: Pick<EngineExit, "killed" | "deadline" | "signal">;
    }
  | { type: "tick" }
);

export interface RowEnd extends RowRun {
  outcome: EngineOutcome;
}

export type TenureEffect =
  /** Get a model's files ready. */
  | { do: "prepare"; model: number }
  | { do: "acquire"; call: number; lane: Lane; since: number | undefined; politeMs: number }
  | { do: "urge"; lane: Lane; since: number | undefined }
  | { do: "stop-asking" }
  | { do: "release" }
  | { do: "load"; engine: number; model: number }
  | { do: "kill"; engine: number }
  | { do: "hand"; pass: number; lane: WorkLane; jobs: readonly TenureJob[]; room: Room | undefined }
  | { do: "stop"; pass: number; rows: readonly number[] }
  | { do: "settle"; job: TenureJob; end: RowEnd }
  | { do: "unwanted"; job: TenureJob }
  /** A window whose time is up. */
  | { do: "late"; job: TenureJob }
  | { do: "convict"; job: TenureJob; failure: Failure; deadLetter: boolean }
  | { do: "give-back"; jobs: readonly TenureJob[] }
  /** They are somebody else's by now. */
  | { do: "let-go"; jobs: readonly TenureJob[] }
  /** No pull that is under way is wanted any more. */
  | { do: "withdraw" }
  /** For whoever keeps notes: of runs, of passes, of engines. */
  | { do: "note-begun"; jobs: readonly TenureJob[]; at: number }
  | { do: "note-over"; jobs: readonly TenureJob[]; stopped: boolean }
  | { do: "note-pass"; lane: WorkLane; size: number; ms: number }
  | { do: "note-failed"; failure: Failure; size: number }
  | { do: "note-death"; cause: "crash" | "hung" | "killed"; size: number }
  | { do: "note-hang"; rows: number; ms: number }
  | { do: "note-settled" }
  /** The lease is held; and not any more, nor is there an engine. */
  | { do: "note-tenure" }
  | { do: "note-end"; reason: TenureEnd }
  /** There is no engine any more: another model is loaded, and the lease is kept. */
  | { do: "note-turn"; reason: TenureEnd }
  /** To those who wait for the model by name. */
  | { do: "grant-wishes" }
  | { do: "send-wishes-elsewhere" }
  | { do: "deny-wishes"; error: Error | undefined };

/** Ends after which another family's turn has come. */
export const yielded: ReadonlySet<TenureEnd> = new Set(["idle", "pause", "urgency", "quantum", "overdue"]);
