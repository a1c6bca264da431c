/**
 * What tidies behind the service, round by round, for as long as it runs.
 *
 *   files-janitor     files whose time is over; here also parts of uploads that nobody finished
 *   references-janitor recordings to imitate that no voice is and nothing waits for
 *   stream-janitor    finished messages of JOBS and INTAKE, which refuse new ones when they are full
 *   sessions-janitor  live sessions that nobody came back to
 *   outcomes-janitor  the oldest outcomes and notes when RESULTS or the notebook is nearly full: new work waits for it
 *
 * Each round goes by what the streams say, so any number of instances may tidy. A round that fails is made up for by the next.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { FileStore, KeyBucket } from "@parlance/bus";
import { durables, lanes, operations, type Settings, type StoredVoice, streams, subjects } from "@parlance/contracts";
import type { ResultsMetrics } from "../results-metrics.ts";
import { sweepFiles } from "./files-janitor.ts";
import { sweepOutcomes } from "./outcomes-janitor.ts";
import { sweepReferences } from "./references-janitor.ts";
import { createSessionsJanitor, type SessionsJanitorOptions } from "./sessions-janitor.ts";
import { sweepStream } from "./stream-janitor.ts";

export const janitorSettings = ["FILE_TTL", "REPLAY_WINDOW", "LIVE_SESSION_SECONDS"] as const;

export interface JanitorsOptions extends Omit<SessionsJanitorOptions, "longestSeconds"> {
  files: FileStore;
  references: FileStore;
  voices: KeyBucket<StoredVoice>;
  settings: Settings<(typeof janitorSettings)[number]>;
  metrics: ResultsMetrics;
  signal: AbortSignal;
  /** Milliseconds between two rounds. */
  sweepEveryMs: number;
}

/** Parts of an upload whose writer died belong to no file. No upload takes this long. */
const ORPHAN_MS = 3_600_000;
const MAKE_ROOM_EVERY_MS = 5_000;

const jobs = {
  stream: streams.jobs,
  subject: "speech.job.>",
  durables: operations.flatMap((operation) =>
    lanes.map((lane) => ({ durable: durables.worker(operation, lane), subject: subjects.jobLane(operation, lane) })),
  ),
};
const intake = {
  stream: streams.intake,
  subject: subjects.allIntake,
  durables: [{ durable: durables.ingest, subject: subjects.allIntake }],
};

/** Runs until the signal aborts. */
export async function runJanitors(options: JanitorsOptions): Promise<void> {
  const { bus, files, references, voices, notebook, settings, metrics, log, signal, now, sweepEveryMs } = options;
  const sweepSessions = createSessionsJanitor({ ...options, longestSeconds: settings.LIVE_SESSION_SECONDS });
  let nextOrphanSweep = 0;

  async function sweep(): Promise<void> {
    metrics.filesDeleted.inc(await sweepFiles({ bus, files, notebook, ttlMs: settings.FILE_TTL * 1_000, now }));
    // As long as a job may be run again by hand.
    const referenceMs = Math.max(settings.FILE_TTL, settings.REPLAY_WINDOW) * 1_000;
    metrics.filesDeleted.inc(await sweepReferences({ bus, references, voices, ttlMs: referenceMs, now }));
    if (now() >= nextOrphanSweep) {
      await files.sweep(ORPHAN_MS);
      await references.sweep(ORPHAN_MS);
      nextOrphanSweep = now() + ORPHAN_MS / 4;
    }
    for (const queue of [jobs, intake]) {
      const purged = await sweepStream({ bus, ...queue, replayWindowMs: settings.REPLAY_WINDOW * 1_000, now });
      metrics.purged.inc({ stream: queue.stream }, purged);
    }
    await sweepSessions();
  }

  async function makeRoom(): Promise<void> {
    const swept = await sweepOutcomes({ bus, notebook, log, now });
    for (const [what, count] of Object.entries(swept ?? {})) metrics.forgotten.inc({ what }, count);
  }

  async function repeat(work: () => Promise<void>, everyMs: number): Promise<void> {
    while (!signal.aborted) {
      await work().catch((error: unknown) => log.warn({ err: error }, "tidying failed; the next round tries again"));
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  // New work waits for room: it does not wait for a round of the others.
  await Promise.all([repeat(sweep, sweepEveryMs), repeat(makeRoom, Math.min(sweepEveryMs, MAKE_ROOM_EVERY_MS))]);
}
