/** The newest batches, a page at a time: from their records, and from what the results service wrote of those that are finished. */
import type { BatchNotebook, Bus } from "@parlance/bus";
import {
  type BatchList,
  type BatchRecord,
  batchSummarySchema,
  type ListedBatch,
  type ListQuery,
  streams,
  subjects,
} from "@parlance/contracts";
import { newestOf } from "./newest-of.ts";

type Reads = Pick<Bus, "last" | "countSubjects">;

export async function listBatches(
  bus: Reads,
  notebook: Pick<BatchNotebook, "recordsSince" | "state">,
  query: ListQuery,
): Promise<BatchList> {
  const { firstSeq, lastSeq } = await notebook.state();
  const { found, next } = await newestOf((seq) => notebook.recordsSince(seq), { firstSeq, lastSeq, ...query });
  return { batches: await Promise.all(found.map(({ record }) => listed(bus, record))), next };
}

async function listed(bus: Reads, record: BatchRecord): Promise<ListedBatch> {
  const { batchId, label, lane, source, acceptedAt, items, open = false } = record;
  const entry = {
    ...{ batch_id: batchId, label, lane, source: source ?? null, live: open, total: items.length },
    operations: [...new Set(items.map(({ operation }) => operation))],
    accepted_at: new Date(acceptedAt).toISOString(),
  };
  const stored = await bus.last(streams.results, subjects.summary(batchId));
  const summary = stored && batchSummarySchema.safeParse(JSON.parse(Buffer.from(stored.data).toString())).data;
  if (summary !== undefined) {
    const { status, failed, total, finishedAt } = summary;
    return { ...entry, status, failed, total, finished: total, finished_at: new Date(finishedAt).toISOString() };
  }
  const finished = (await bus.countSubjects(streams.results, subjects.batchDone(batchId))).size;
  const status = open || finished > 0 ? "processing" : "queued";
  return { ...entry, status, finished, failed: null, finished_at: null };
}
