/** What is told of a tenure to those who watch: metrics, the log, the batches' progress, and the notes of unfinished runs. */
import type { Bus } from "@parlance/bus";
import { type Progress, subjects } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";
import type { UnfinishedRuns } from "../blame/unfinished-runs.ts";
import type { Work } from "../lanes/held-jobs.ts";
import type { Job } from "../lanes/job.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import type { TenureEffect, TenureEnd } from "./tenure-state.ts";

export type TenureNote = Extract<TenureEffect, { do: `note-${string}` }>;

export interface TenureDiary {
  /** Since the start. */
  readonly run: { readonly passes: number; readonly segments: number };
  note(note: TenureNote, work: readonly Work[]): void;
  /** The engine is being killed. */
  killed(): void;
  /** The lease is let go. */
  released(): void;
}

export interface TenureDiaryOptions {
  bus: Pick<Bus, "publish">;
  /** `model`: that runs now. */
  worker: { id: string; model: () => string | undefined };
  unfinished: Pick<UnfinishedRuns, "begun" | "ended" | "stopped">;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
}

export function createTenureDiary({ bus, worker, unfinished, metrics, clock, log }: TenureDiaryOptions): TenureDiary {
  const run = { passes: 0, segments: 0 };
  let killedAt: number | undefined;
  let ended: { reason: TenureEnd; killSeconds: number; at: number } | undefined;

  function tellProgress(jobs: readonly Job[], at: number): void {
    const [first] = jobs;
    const model = worker.model();
    const pass = first && model && { worker: worker.id, model, operation: first.address.operation, rows: jobs.length };
    const progress = JSON.stringify({ state: "running", at, ...(pass ? { pass } : {}) } satisfies Progress);
    const items = new Set(jobs.map(({ address }) => subjects.progress(address.batchId, address.itemId)));
    try {
      for (const subject of items) bus.publish(subject, progress);
    } catch {
      // NATS is away, and progress is worth nothing once it is late.
    }
  }

  function end(reason: TenureEnd): void {
    const now = clock.now();
    ended = { reason, killSeconds: Math.round(now - (killedAt ?? now)) / 1_000, at: now };
    killedAt = undefined;
  }

  function tellEnd(): void {
    if (ended === undefined) return;
    const { reason, killSeconds, at } = ended;
    ended = undefined;
    const releaseSeconds = Math.round(clock.now() - at) / 1_000;
    metrics?.unloaded(reason, killSeconds, releaseSeconds);
    log.info(
      { reason, passes: run.passes, killSeconds, releaseSeconds },
      `engine unloaded: ${reason}, kill ${killSeconds.toFixed(3)} s, release ${releaseSeconds.toFixed(3)} s`,
    );
  }

  return {
    run,
    note(note, work) {
      const jobs = work.filter((each) => each.kind === "job");
      switch (note.do) {
        case "note-tenure":
          metrics?.leaseHeld(true);
          return;
        case "note-begun": {
          const { at } = note;
          unfinished.begun(jobs);
          metrics?.passStarted(
            jobs.map(({ lane, publishedAt }) => ({ lane, seconds: Math.max(0, at - publishedAt) / 1_000 })),
          );
          tellProgress(jobs, at);
          return;
        }
        case "note-over":
          if (note.stopped) unfinished.stopped(jobs);
          else unfinished.ended(jobs);
          return;
        case "note-settled":
          run.segments += 1;
          return;
        case "note-pass":
          run.passes += 1;
          metrics?.passEnded(note.size, note.ms / 1_000);
          log.debug({ size: note.size, lane: note.lane, ms: note.ms }, "pass");
          return;
        case "note-failed":
          log.warn({ ...note.failure, size: note.size }, "a pass failed");
          return;
        case "note-death":
          metrics?.engineDied(note.cause);
          log.warn(
            { cause: note.cause, size: note.size },
            "the engine died under a pass; what ran runs again, each job alone",
          );
          return;
        case "note-hang":
          log.error({ size: note.rows, seconds: note.ms / 1_000 }, "a pass hangs; killing its engine");
          return;
        case "note-turn":
          end(note.reason);
          tellEnd();
          return;
        case "note-end":
          metrics?.leaseHeld(false);
          end(note.reason);
          if (note.reason === "lost") tellEnd();
      }
    },
    killed() {
      killedAt ??= clock.now();
    },
    released: tellEnd,
  };
}
