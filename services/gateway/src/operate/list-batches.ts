/**
 * The newest batches, a page at a time: from their records, and from what the results service wrote of those that are finished. Those that
 * are one segment have neither, and are known by their messages (lone-waiting, lone-ends).
 */
import type { BatchNotebook, Bus } from "@parlance/bus";
import {
  type BatchList,
  type BatchRecord,
  type ListedBatch,
  type ListQuery,
  readSummary,
  streams,
  subjects,
} from "@parlance/contracts";
import { createLoneEnds } from "./lone-ends.ts";
import { createLoneWaiting } from "./lone-waiting.ts";
import { newestOf } from "./newest-of.ts";
import { type Dated, newestOfAll, type Source } from "./newest-of-all.ts";

type Reads = Pick<Bus, "last" | "countSubjects" | "read" | "streamState" | "consumerState">;
type Records = Pick<BatchNotebook, "recordsSince" | "firstRecordAt" | "state" | "records">;

/** `toListed`: undefined where it is gone, or has moved on meanwhile. */
interface Found extends Dated {
  toListed(): Promise<ListedBatch | undefined>;
}

export function createBatchList(bus: Reads, notebook: Records): (query: ListQuery) => Promise<BatchList> {
  const waiting = createLoneWaiting(bus);
  const ended = createLoneEnds(bus);

  const kept: Source<Found> = async (count, before) => {
    const { firstSeq, lastSeq } = await notebook.state();
    const end = Number.isFinite(before) ? await notebook.firstRecordAt(before) : undefined;
    const window = { firstSeq, lastSeq, limit: count, before: end };
    const { found, next } = await newestOf((seq) => notebook.recordsSince(seq), window);
    return {
      found: found.map(({ record, time }) => ({ id: record.batchId, at: time, toListed: () => listKept(bus, record) })),
      since: next === null ? Number.NEGATIVE_INFINITY : (found.at(-1)?.time ?? 0) + 1,
    };
  };

  // In the order in which a batch moves on: none is missed that does so meanwhile.
  const sources: Source<Found>[] = [
    async (...page) => {
      const { found, since } = await waiting(...page);
      const toFound = ({ id, at, record }: (typeof found)[number]): Found => ({
        ...{ id, at },
        // One that is written down by now is listed as that.
        toListed: async () => ((await notebook.records.has(id)) ? undefined : unfinished(record, 0)),
      });
      return { found: found.map(toFound), since };
    },
    async (...page) => {
      const { found, since } = await ended(...page);
      const toFound = ({ id, at, record, status, finishedAt }: (typeof found)[number]): Found => ({
        ...{ id, at },
        async toListed() {
          // Its end is all that there was of it.
          if ((await bus.last(streams.results, subjects.batchDone(id))) === undefined) return undefined;
          const isDone = status === "done";
          return finished(record, { status: isDone ? "completed" : "error", failed: isDone ? 0 : 1, finishedAt });
        },
      });
      return { found: found.map(toFound), since };
    },
    kept,
  ];

  return async (query) => {
    const { found, next } = await newestOfAll(sources, query);
    const listed = await Promise.all(found.map((each) => each.toListed()));
    return { batches: listed.filter((batch) => batch !== undefined), next };
  };
}

async function listKept(bus: Reads, record: BatchRecord): Promise<ListedBatch> {
  const stored = await bus.last(streams.results, subjects.summary(record.batchId), { anyReplica: true });
  const summary = stored && readSummary(stored);
  if (summary !== undefined) return finished(record, summary);
  return unfinished(record, (await bus.countSubjects(streams.results, subjects.batchDone(record.batchId))).size);
}

function unfinished(record: BatchRecord, done: number): ListedBatch {
  const status = record.open || done > 0 ? "processing" : "queued";
  return { ...entryOf(record), status, finished: done, failed: null, finished_at: null };
}

function finished(
  record: BatchRecord,
  { status, failed, finishedAt }: Pick<ListedBatch, "status"> & { failed: number; finishedAt: number },
): ListedBatch {
  const entry = entryOf(record);
  return { ...entry, status, failed, finished: entry.total, finished_at: new Date(finishedAt).toISOString() };
}

function entryOf({ batchId, label, lane, source, acceptedAt, items, open }: BatchRecord) {
  return {
    ...{ batch_id: batchId, label, lane, source: source ?? null, live: open ?? false, total: items.length },
    operations: [...new Set(items.map(({ operation }) => operation))],
    accepted_at: new Date(acceptedAt).toISOString(),
  };
}
