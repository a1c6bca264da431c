/**
 * The results service: folds segment results into items (texts, and sound that is joined and encoded) and items into batches.
 *
 * It promises exactly one `speech.done` for each item and one `speech.summary` for each batch, whatever dies, and answers
 * `speech.status.<batchId>` from the streams. All that it keeps are caches of what the streams hold, bounded: a restarted
 * service knows as much as the one before, and its memory does not grow with history. Any number of instances share the
 * work. It answers what else publishers ask of their batches and files (`publisher-desk.ts`), in bounded turns. It also tidies:
 * expired files, finished messages of JOBS and INTAKE, and the oldest outcomes where there is no room for new ones.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, createTurns, openBatchNotebook } from "@parlance/bus";
import { buckets, durables, lanes, operations, type Settings, streams, subjects } from "@parlance/contracts";
import type { Log, Registry } from "@parlance/telemetry";
import { createBatchProgress } from "./batches/batch-progress.ts";
import { concludeCancelled } from "./batches/conclude-cancelled.ts";
import { serveStatus } from "./batches/status-service.ts";
import { servePublishers } from "./desk/publisher-desk.ts";
import { createConcludeItem } from "./items/conclude-item.ts";
import { foldResults } from "./items/fold-results.ts";
import { createOpenItems } from "./items/open-items.ts";
import { createSoundQueue } from "./items/sound-queue.ts";
import { sweepFiles } from "./janitors/files-janitor.ts";
import { sweepOutcomes } from "./janitors/outcomes-janitor.ts";
import { sweepStream } from "./janitors/stream-janitor.ts";
import { createResultsMetrics } from "./results-metrics.ts";

export const resultsSettings = ["FILE_TTL", "REPLAY_WINDOW", "MAX_UPLOAD_BYTES"] as const;

export interface ResultsOptions {
  bus: Bus;
  settings: Settings<(typeof resultsSettings)[number]>;
  log: Log;
  now?: () => number;
  /** Milliseconds between two rounds of the janitors. Default 30 000. */
  sweepEveryMs?: number;
}

export interface Results {
  registry: Registry;
  /** Finishes what was received, then stops. */
  close(): Promise<void>;
}

/** Parts of an upload whose writer died belong to no file. No upload takes this long. */
const ORPHAN_MS = 3_600_000;

const MAKE_ROOM_EVERY_MS = 5_000;

/** Requests at once and in waiting, of all and of each publisher: a status of a thousand items takes some milliseconds. */
const REQUESTS = { atOnce: 16, atOnceEach: 8, waitingEach: 256 } as const;

export async function createResults(options: ResultsOptions): Promise<Results> {
  const { bus, settings, log, now = Date.now, sweepEveryMs = 30_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const notebook = openBatchNotebook(bus);
  const files = await bus.files(buckets.files);
  const metrics = createResultsMetrics();
  const concludeItem = createConcludeItem({ bus, files });
  const progress = createBatchProgress({ bus, notebook, now });

  let nextOrphanSweep = 0;

  async function sweep(): Promise<void> {
    const replayWindowMs = settings.REPLAY_WINDOW * 1_000;
    const ttlMs = settings.FILE_TTL * 1_000;
    metrics.filesDeleted.inc(await sweepFiles({ bus, files, notebook, ttlMs, now }));
    if (now() >= nextOrphanSweep) {
      await files.sweep(ORPHAN_MS);
      nextOrphanSweep = now() + ORPHAN_MS / 4;
    }
    const jobs = await sweepStream({
      bus,
      stream: streams.jobs,
      subject: "speech.job.>",
      durables: operations.flatMap((operation) =>
        lanes.map((lane) => ({
          durable: durables.worker(operation, lane),
          subject: subjects.jobLane(operation, lane),
        })),
      ),
      replayWindowMs,
      now,
    });
    metrics.purged.inc({ stream: streams.jobs }, jobs);
    const intake = await sweepStream({
      bus,
      stream: streams.intake,
      subject: subjects.allIntake,
      durables: [{ durable: durables.ingest, subject: subjects.allIntake }],
      replayWindowMs,
      now,
    });
    metrics.purged.inc({ stream: streams.intake }, intake);
  }

  async function makeRoom(): Promise<void> {
    const swept = await sweepOutcomes({ bus, notebook, log, now });
    for (const [what, count] of Object.entries(swept ?? {})) metrics.forgotten.inc({ what }, count);
  }

  async function repeatUntilClosed(work: () => Promise<void>, everyMs: number): Promise<void> {
    while (!signal.aborted) {
      await work().catch((error: unknown) => log.warn({ err: error }, "tidying failed; the next round tries again"));
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  const requests = { bus, group: "results", turns: createTurns(REQUESTS), signal };
  serveStatus(requests, notebook);
  const fileTtlMs = settings.FILE_TTL * 1_000;
  servePublishers(requests, { bus, notebook, files, fileTtlMs, maxUploadBytes: settings.MAX_UPLOAD_BYTES, now });
  const running = Promise.all([
    foldResults({
      bus,
      openItems: createOpenItems(),
      concludeItem,
      progress,
      soundQueue: createSoundQueue(),
      metrics,
      log,
      signal,
      now,
    }),
    concludeCancelled({ bus, notebook, concludeItem, progress, log, signal, now }),
    repeatUntilClosed(sweep, sweepEveryMs),
    // New work waits for it.
    repeatUntilClosed(makeRoom, Math.min(sweepEveryMs, MAKE_ROOM_EVERY_MS)),
  ]);
  await bus.flush();
  log.info("folding results");

  return {
    registry: metrics.registry,
    async close() {
      stopping.abort();
      await running;
    },
  };
}
