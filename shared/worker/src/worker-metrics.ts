import type { ItemDone, Lane, WindowAnswer } from "@parlance/contracts";
import { Counter, Gauge, Histogram, type Registry } from "@parlance/telemetry";
import type { Swap } from "./tenure/swap-log.ts";
import type { TenureEnd } from "./tenure/tenure-state.ts";

export interface WorkerMetrics {
  passStarted(waited: readonly { lane: Lane; seconds: number }[]): void;
  passEnded(size: number, seconds: number): void;
  /** One came to an end. `seconds`: from its publication to its answer. */
  window(outcome: WindowAnswer["outcome"] | "cancelled", seconds?: number): void;
  segments(outcome: "ok" | "failed" | "dead" | "cancelled", count?: number): void;
  /** A batch of one segment ended. */
  itemDone(status: ItemDone["status"]): void;
  engineStarted(): void;
  engineDied(cause: string): void;
  leaseHeld(held: boolean): void;
  /** Whether the model can be loaded, as far as is known. */
  modelReady(ready: boolean): void;
  loadFailed(reason: string): void;
  /** A model was loaded. */
  swapped(swap: Swap): void;
  /** A tenure ended, and with it the engine. */
  unloaded(reason: TenureEnd, killSeconds: number, releaseSeconds: number): void;
}

export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  const registers = [registry];
  const passes = new Counter({ name: "parlance_passes_total", help: "Forward passes that ended", registers });
  const passSize = new Histogram({
    name: "parlance_pass_size",
    help: "Segments of a pass",
    buckets: [1, 2, 4, 8, 12, 15, 16, 24, 32],
    registers,
  });
  const passSeconds = new Histogram({
    name: "parlance_pass_seconds",
    help: "Duration of a pass",
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  });
  const queueSeconds = new Histogram({
    name: "parlance_queue_seconds",
    help: "From a job's publishing to the pass that ran it",
    labelNames: ["lane"],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3_600],
    registers,
  });
  const segments = new Counter({
    name: "parlance_segments_total",
    help: "Jobs that were settled",
    labelNames: ["outcome"],
    registers,
  });
  const itemsDone = new Counter({
    name: "parlance_items_done_total",
    help: "Done events published, by status",
    labelNames: ["status"],
    registers,
  });
  const windows = new Counter({
    name: "parlance_windows_total",
    help: "Windows of live sessions that came to an end",
    labelNames: ["outcome"],
    registers,
  });
  const windowSeconds = new Histogram({
    name: "parlance_window_seconds",
    help: "From a window's publication to its answer",
    labelNames: ["outcome"],
    buckets: [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5],
    registers,
  });
  const starts = new Counter({ name: "parlance_engine_starts_total", help: "Engines started", registers });
  const deaths = new Counter({
    name: "parlance_engine_deaths_total",
    help: "Engines that ended without being asked to",
    labelNames: ["cause"],
    registers,
  });
  const lease = new Gauge({ name: "parlance_lease_held", help: "1 while this worker holds the lease", registers });
  const modelReady = new Gauge({
    name: "parlance_model_ready",
    help: "0 while the model cannot be loaded",
    registers,
  });
  const loadFailures = new Counter({
    name: "parlance_model_load_failures_total",
    help: "Tries to get the model ready or to load it that came to nothing",
    labelNames: ["reason"],
    registers,
  });
  const swaps = new Histogram({
    name: "parlance_swap_seconds",
    help: "From getting the lease to a loaded model",
    buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120],
    registers,
  });
  const parts = new Counter({
    name: "parlance_swap_part_seconds_total",
    help: "What swaps are made of: kill and release of the old engine; start, files, load and warm-up of the new one",
    labelNames: ["part"],
    registers,
  });
  const unloads = new Counter({
    name: "parlance_engine_unloads_total",
    help: "Engines that were unloaded, and why",
    labelNames: ["reason"],
    registers,
  });
  return {
    passStarted(waited) {
      for (const { lane, seconds } of waited) queueSeconds.observe({ lane }, seconds);
    },
    passEnded(size, seconds) {
      passes.inc();
      passSize.observe(size);
      passSeconds.observe(seconds);
    },
    segments: (outcome, count = 1) => segments.inc({ outcome }, count),
    window(outcome, windowSecondsTaken) {
      windows.inc({ outcome });
      if (windowSecondsTaken !== undefined) windowSeconds.observe({ outcome }, windowSecondsTaken);
    },
    itemDone: (status) => itemsDone.inc({ status }),
    engineStarted: () => starts.inc(),
    engineDied: (cause) => deaths.inc({ cause }),
    leaseHeld: (held) => lease.set(held ? 1 : 0),
    modelReady: (ready) => modelReady.set(ready ? 1 : 0),
    loadFailed: (reason) => loadFailures.inc({ reason }),
    swapped({ seconds, startSeconds, checkSeconds, loadSeconds, warmUpSeconds }) {
      swaps.observe(seconds);
      parts.inc({ part: "start" }, startSeconds);
      parts.inc({ part: "files" }, checkSeconds);
      parts.inc({ part: "load" }, loadSeconds);
      parts.inc({ part: "warm-up" }, warmUpSeconds);
    },
    unloaded(reason, killSeconds, releaseSeconds) {
      unloads.inc({ reason });
      parts.inc({ part: "kill" }, killSeconds);
      parts.inc({ part: "release" }, releaseSeconds);
    },
  };
}
