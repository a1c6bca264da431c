/**
 * The results service: folds segment results into items (texts, and sound that is joined and encoded) and items into batches.
 *
 * It promises exactly one `speech.done` for each item and one `speech.summary` for each batch, whatever dies, and
 * answers `speech.status.<batchId>` from the streams. A batch that is one segment is ended by its worker, and comes
 * here only when somebody asks. All that it keeps are caches of what the streams hold, bounded: a restarted service
 * knows as much as the one before, and its memory does not grow with history. Any number of instances share the work.
 * It answers what else publishers ask of their batches and files (`publisher-desk.ts`), in bounded turns. It also
 * tidies: expired files, finished messages of JOBS and INTAKE, and the oldest outcomes where there is no room for new
 * ones.
 */
import { type Bus, createTurns, openBatchNotebook } from "@parlance/bus";
import { buckets, type Settings, voiceEntries } from "@parlance/contracts";
import type { Log, Registry } from "@parlance/telemetry";
import { createBatchProgress } from "./batches/batch-progress.ts";
import { concludeCancelled } from "./batches/conclude-cancelled.ts";
import { serveConclude } from "./batches/conclude-session.ts";
import { createOwnEnds } from "./batches/own-ends.ts";
import { serveStatus } from "./batches/status-service.ts";
import { servePublishers } from "./desk/publisher-desk.ts";
import { createConcludeItem } from "./items/conclude-item.ts";
import { foldResults } from "./items/fold-results.ts";
import { createOpenItems } from "./items/open-items.ts";
import { createSoundQueue } from "./items/sound-queue.ts";
import { janitorSettings, runJanitors } from "./janitors/janitors.ts";
import { createResultsMetrics } from "./results-metrics.ts";

export const resultsSettings = [...janitorSettings, "MAX_UPLOAD_BYTES"] as const;

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

/** Requests at once and in waiting, of all and of each publisher: a status of a thousand items takes some milliseconds. */
const REQUESTS = { atOnce: 16, atOnceEach: 8, waitingEach: 256 } as const;

export async function createResults(options: ResultsOptions): Promise<Results> {
  const { bus, settings, log, now = Date.now, sweepEveryMs = 30_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const notebook = openBatchNotebook(bus);
  const files = await bus.files(buckets.files);
  const references = await bus.files(buckets.references);
  const voices = bus.bucket(voiceEntries);
  const metrics = createResultsMetrics();
  const ownEnds = createOwnEnds();
  const concludeItem = createConcludeItem({ bus, files, ownEnds });
  const progress = createBatchProgress({ bus, notebook, now });

  const ending = { bus, notebook, concludeItem, progress, log, now };
  const requests = { bus, group: "results", turns: createTurns(REQUESTS), signal };
  serveStatus(requests, notebook, ownEnds);
  serveConclude(requests, ending);
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
    concludeCancelled({ ...ending, signal }),
    runJanitors({ ...ending, files, references, voices, settings, metrics, signal, sweepEveryMs }),
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
