/** What a small world is made of (small-world.ts). */
import type { WorkLane } from "../../lanes/work-lane.ts";
import type { TenureMachine } from "../tenure-machine.ts";
import type { TenureState } from "../tenure-state.ts";
import type { SmallEngine, Told } from "./small-engine.ts";

/** What may still happen. */
export interface Chances {
  readonly crashes?: number;
  readonly hangs?: number;
  readonly failures?: number;
  readonly oom?: number;
  readonly loadFailures?: number;
  readonly fileFailures?: number;
  readonly losses?: number;
  readonly refusals?: number;
  readonly cancels?: number;
  readonly waiters?: number;
  readonly standbys?: number;
  readonly wishes?: number;
  readonly unloads?: number;
  readonly closes?: number;
  readonly stale?: number;
}

export interface WorldJob {
  readonly id: number;
  /** Whose it is of the worker's models. */
  readonly model: number;
  readonly lane: WorkLane;
  readonly batchId: string;
  /** At the server, held by the worker, or settled. */
  readonly at: "server" | "worker" | "settled";
}

export interface World {
  readonly state: TenureState;
  readonly now: number;
  readonly jobs: readonly WorldJob[];
  readonly cancelled: readonly string[];
  /** `granting`: it is held, and the worker has not heard of it. */
  readonly lease: "free" | "granting" | "held" | "releasing";
  readonly asked: { readonly call: number; readonly unwanted: boolean } | undefined;
  /** Models whose files are being made ready, and those whose files are. */
  readonly preparing: readonly number[];
  readonly ready: readonly number[];
  readonly engine: SmallEngine | undefined;
  /** Told by the engine, and not heard yet. */
  readonly unheard: readonly Told[];
  readonly chances: Chances;
  readonly broken: string | undefined;
  /** How it came to this. */
  readonly path: { readonly name: string; readonly before: World["path"] } | undefined;
}

export interface Rules {
  readonly machine: TenureMachine;
  readonly refills: boolean;
  /** For how long no pass of an engine could be left. */
  readonly gapMs: number;
}
