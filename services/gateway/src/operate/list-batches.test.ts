/** The list of batches on a real server, of those that have a record and of those that are known by their messages alone. */
import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  batchStatusSchema,
  doneHeaders,
  durables,
  type ItemDone,
  streams,
  subjects,
  writeHeaders,
  writeSummary,
} from "@parlance/contracts";
import { expect, test } from "vitest";
import { createBatchList } from "./list-batches.ts";

const rig = useTestServer({ secured: true });

async function listing() {
  const bus = await rig.connectAs("gateway");
  const list = createBatchList(bus, openBatchNotebook(bus));
  return async (query: { limit?: number; before?: number } = {}) => await list({ limit: 50, ...query });
}

/** It comes in, as a publisher's drop. */
async function drop(batchId: string): Promise<BatchRecord> {
  await rig.bus.publishOnce(subjects.intake("lab", batchId), "audio");
  const record = await openBatchNotebook(rig.bus).read(batchId);
  if (record === undefined) throw new Error("it is not known");
  return record;
}

/** Ingest makes it a job. */
async function queue(record: BatchRecord): Promise<void> {
  await rig.bus.publishOnce(subjects.job("transcribe", "batch", record.batchId, "0", 0), "audio", {
    headers: writeHeaders({ submittedAt: record.acceptedAt, last: true, batch: record }),
  });
  await finish(streams.intake, durables.ingest, record.batchId);
}

/** A worker ends it. */
async function end(record: BatchRecord, status: "done" | "error" = "done"): Promise<void> {
  const done: ItemDone = { batchId: record.batchId, itemId: "0", operation: "transcribe", status, finishedAt: 1 };
  await rig.bus.publishOnce(subjects.done(record.batchId, "0"), JSON.stringify(done), {
    ...{ first: true, headers: doneHeaders(done, record) },
  });
  await finish(streams.jobs, durables.worker("transcribe", "batch"), record.batchId);
}

/** Whoever has it is done with it; what others wait for is given back. */
async function finish(stream: string, durable: string, batchId: string): Promise<void> {
  for (const delivery of await rig.bus.pull({ stream, durable, max: 64, waitMs: 2_000 })) {
    if (delivery.subject.includes(batchId)) await delivery.ack();
    else delivery.nak(0);
  }
}

/** One of several items, with what the results service writes of it. */
async function finishMany(batchId: string): Promise<void> {
  const items = ["a", "b"].map((itemId) => ({ itemId, operation: "transcribe" as const }));
  await openBatchNotebook(rig.bus).enter({ batchId, label: "many", lane: "batch", acceptedAt: Date.now(), items });
  const counts = { status: "partial", completed: 1, failed: 1, total: 2 } as const;
  const status = batchStatusSchema.parse({ ...counts, batch_id: batchId, label: "", waiting_reason: null, items: [] });
  const summary = { batchId, label: "many", ...counts, finishedAt: Date.now() };
  const { payload, headers } = await writeSummary(summary, JSON.stringify(status), rig.bus.maxPayload);
  await rig.bus.publishOnce(subjects.summary(batchId), payload, { headers });
}

test("a batch of one segment is in it from the moment when it came, as what it is by then, until it is forgotten", async () => {
  const list = await listing();
  const one = async () => (await list()).batches;
  const record = await drop("lone");
  const waiting = { batch_id: "lone", status: "queued", finished: 0, failed: null, finished_at: null };
  const known = { ...{ source: "lab", lane: "batch", label: "", live: false, total: 1 }, operations: ["transcribe"] };
  const accepted_at = new Date(record.acceptedAt).toISOString();
  expect(await one()).toMatchObject([{ ...waiting, ...known, accepted_at }]);
  await queue(record);
  expect(await one()).toMatchObject([{ ...waiting, ...known, accepted_at }]);
  await end(record);
  const ended = { batch_id: "lone", status: "completed", finished: 1, failed: 0, ...known, accepted_at };
  expect(await one()).toMatchObject([ended]);
  // Whoever looks for the first time finds the same.
  expect((await (await listing())()).batches).toMatchObject([ended]);
  await rig.bus.purgeSubject(streams.results, subjects.batchDone("lone"));
  expect(await one()).toEqual([]);
});

test("one that is written down while it waits is in it once, by its record", async () => {
  const list = await listing();
  const record = await drop("kept");
  await queue(record);
  await openBatchNotebook(rig.bus).keep(record);
  const { batches } = await list();
  expect(batches.filter(({ batch_id }) => batch_id === "kept")).toMatchObject([{ status: "queued", total: 1 }]);
  await end(record);
});

test("pages have all of them in the order in which they came, those with a record and those without", async () => {
  const list = await listing();
  const names: string[] = [];
  const records: BatchRecord[] = [];
  for (const n of [0, 1, 2, 3, 4, 5]) {
    const batchId = `page-${n}`;
    names.push(batchId);
    if (n % 2 === 0) await finishMany(batchId);
    else records.push(await drop(batchId));
    // Pages end between moments, and no two of these are to share one.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const record of records) await queue(record);
  // In another order than they came.
  for (const record of records.reverse().slice(0, 2)) await end(record, "error");
  const found: string[] = [];
  const states: string[] = [];
  let before: number | undefined;
  do {
    const page = await list({ limit: 2, ...(before === undefined ? {} : { before }) });
    expect(page.batches.length).toBeLessThanOrEqual(2);
    for (const { batch_id, status } of page.batches.filter((each) => each.batch_id.startsWith("page"))) {
      found.push(batch_id);
      states.push(status);
    }
    before = page.next ?? undefined;
  } while (before !== undefined);
  expect(found).toEqual(names.reverse());
  expect(states).toEqual(["error", "partial", "error", "partial", "queued", "partial"]);
});
