/** Batches without a record of their own: what the results service knows of them, and what it does where their worker does not end them. */
import { randomUUID } from "node:crypto";
import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  batchStatusSchema,
  batchSummarySchema,
  cancelResponseSchema,
  durables,
  endAlone,
  errorBodySchema,
  historySchema,
  itemDoneSchema,
  readSettings,
  requestSubjects,
  type SegmentResult,
  streams,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { beforeEach, expect, test } from "vitest";
import { createResults, resultsSettings } from "./results.ts";

const rig = useTestServer({ secured: true });
const polling = { timeout: 15_000, interval: 20 };
let batchId: string;

beforeEach(async () => {
  batchId = randomUUID();
  const bus = await rig.connectAs("results");
  const settings = readSettings(resultsSettings, {});
  rig.closeAfter(await createResults({ bus, settings, log: createLog("results", "silent") }));
});

const ok = (text: string): SegmentResult => ({
  ...{ operation: "transcribe", outcome: "ok", last: true, submittedAt: 1_000, timestamps: false },
  ...{ startedAt: 2_000, finishedAt: 3_000, text, language: "English", words: [], stretches: [], start: 0 },
  ...{ duration: 1, score: null, truncated: false, model: "m", passSize: 1 },
});

async function drop(): Promise<BatchRecord> {
  await rig.bus.publishOnce(subjects.intake("lab", batchId), "audio");
  const found = await openBatchNotebook(rig.bus).find(batchId);
  if (found === undefined) throw new Error("it is not known");
  return found.record;
}

/** As ingest does: the job, then the message's acknowledgement. The janitor has purged it since. */
async function takeIn(record: BatchRecord): Promise<void> {
  await rig.bus.publishOnce(subjects.job("transcribe", "batch", batchId, "0", 0), "audio", {
    headers: writeHeaders({ submittedAt: record.acceptedAt, last: true, batch: record }),
  });
  await acknowledge(streams.intake, durables.ingest);
  await rig.bus.purgeSubject(streams.intake, subjects.intake("lab", batchId));
}

async function acknowledge(stream: string, durable: string): Promise<void> {
  for (const delivery of await rig.bus.pull({ stream, durable, max: 64, waitMs: 2_000 })) await delivery.ack();
}

/** As a worker does: the end, then its job's acknowledgement. */
async function run(record: BatchRecord): Promise<void> {
  const end = endAlone({ batchId, itemId: "0" }, ok("said"), record);
  if (end === undefined) throw new Error("it has no end");
  await rig.bus.publishOnce(subjects.done(batchId, "0"), end.payload, { first: true, headers: end.headers });
  await acknowledge(streams.jobs, durables.worker("transcribe", "batch"));
  await rig.bus.purgeSubject(streams.jobs, subjects.batchJobs(batchId));
}

async function ask(subject: string): Promise<unknown> {
  return JSON.parse(Buffer.from((await rig.bus.request(subject, "", 5_000)) ?? "").toString());
}
const status = async () => batchStatusSchema.parse(await ask(requestSubjects.status(batchId)));
const ends = () => rig.bus.countSubjects(streams.results, subjects.batchDone(batchId));
const summary = async () => {
  const message = await rig.bus.last(streams.results, subjects.summary(batchId));
  return message && batchSummarySchema.parse(JSON.parse(Buffer.from(message.data).toString()));
};

test("its status is told from what came in, from its job, and from its end; then its history, and a cancel that is too late", async () => {
  const record = await drop();
  expect(await status()).toMatchObject({ batch_id: batchId, status: "queued", total: 1, items: [{ item_id: "0" }] });
  await takeIn(record);
  rig.bus.publish(subjects.progress(batchId, "0"), JSON.stringify({ state: "running", at: 1 }));
  await expect.poll(async () => (await status()).status, polling).toBe("processing");
  await run(record);
  const finished = await status();
  expect(finished).toMatchObject({ status: "completed", completed: 1, waiting_reason: null });
  expect(finished.items).toMatchObject([{ status: "done", queue_seconds: 1, run_seconds: 1 }]);
  const history = historySchema.parse(await ask(requestSubjects.history(batchId)));
  expect(history.events.map(({ event }) => event.transcript?.text)).toEqual(["said"]);
  const cancelled = cancelResponseSchema.parse(await ask(requestSubjects.cancel(batchId)));
  expect(cancelled.cancelled).toBe(false);
  expect(await openBatchNotebook(rig.bus).records.get(batchId)).toBeUndefined();
  expect(await summary()).toBeUndefined();
  await rig.bus.purgeSubject(streams.results, subjects.batchDone(batchId));
  const gone = errorBodySchema.parse(await ask(requestSubjects.status(batchId)));
  expect(gone.error.code).toBe("batch_not_found");
});

test.each(["before it is taken in", "while its job waits"])(
  "cancelled %s, it has a record, one end and a summary, which stay when its messages are gone",
  async (when) => {
    const record = await drop();
    const waits = when === "while its job waits";
    if (waits) await takeIn(record);
    await openBatchNotebook(rig.bus).cancel(batchId, 1);
    await expect.poll(summary, polling).toMatchObject({ status: "error", failed: 1 });
    if (waits) await acknowledge(streams.jobs, durables.worker("transcribe", "batch"));
    else await acknowledge(streams.intake, durables.ingest);
    await rig.bus.purgeSubject(streams.intake, subjects.intake("lab", batchId));
    await rig.bus.purgeSubject(streams.jobs, subjects.batchJobs(batchId));
    expect(await status()).toMatchObject({ status: "error", items: [{ status: "cancelled" }] });
    // A worker that had begun it comes too late.
    const late = endAlone({ batchId, itemId: "0" }, ok("too late"), record);
    await rig.bus.publishOnce(subjects.done(batchId, "0"), late?.payload ?? "", {
      first: true,
      headers: late?.headers ?? [],
    });
    expect(await ends()).toEqual(new Map([[subjects.done(batchId, "0"), 1]]));
    expect((await status()).items[0]?.status).toBe("cancelled");
  },
);

test("a result in place of an end, of a long transcript, is concluded with a record and a summary", async () => {
  const record = await drop();
  await takeIn(record);
  // Acknowledged before anybody has seen the result.
  await acknowledge(streams.jobs, durables.worker("transcribe", "batch"));
  await rig.bus.publishOnce(subjects.result(batchId, "0", 0), JSON.stringify(ok("word ".repeat(60_000))), {
    ...{ first: true, headers: writeHeaders({ batch: record }) },
  });
  await expect.poll(summary, polling).toMatchObject({ status: "completed", total: 1 });
  await rig.bus.purgeSubject(streams.jobs, subjects.batchJobs(batchId));
  expect(await status()).toMatchObject({ status: "completed", items: [{ status: "done" }] });
  expect(await openBatchNotebook(rig.bus).find(batchId)).toEqual({ record, kept: true });
  const event = await rig.bus.last(streams.results, subjects.done(batchId, "0"));
  expect(itemDoneSchema.parse(JSON.parse(Buffer.from(event?.data ?? "").toString())).file).toBeDefined();
});
