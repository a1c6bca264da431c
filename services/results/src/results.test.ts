import { randomUUID } from "node:crypto";
import { openBatchNotebook } from "@parlance/bus";
import { connectRaw, headerBlock, useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  type BatchStatus,
  batchSummarySchema,
  buckets,
  type ErrorBody,
  type ItemDone,
  itemDoneSchema,
  readSettings,
  requestSubjects,
  type SegmentResult,
  streams,
  subjects,
  transcriptFileId,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { describe, expect, test } from "vitest";
import { createBatchProgress } from "./batches/batch-progress.ts";
import { concludeCancelled } from "./batches/conclude-cancelled.ts";
import { readStatus } from "./batches/status-service.ts";
import { createConcludeItem } from "./items/conclude-item.ts";
import { createResults, type Results, resultsSettings } from "./results.ts";

const rig = useTestServer({ secured: true });

async function startResults(
  environment: Record<string, string> = {},
  sweepEveryMs?: number,
  now?: () => number,
): Promise<Results> {
  const bus = await rig.connectAs("results");
  const results = await createResults({
    bus,
    settings: readSettings(resultsSettings, environment),
    log: createLog("results", "silent"),
    ...(sweepEveryMs === undefined ? {} : { sweepEveryMs }),
    ...(now === undefined ? {} : { now }),
  });
  return rig.closeAfter(results);
}

const nextBatch = () => randomUUID();

/** The watcher alone, with its own times. */
async function startWatcher(times: { firstPauseMs: number }): Promise<{ close(): Promise<void> }> {
  const bus = await rig.connectAs("results");
  const notebook = openBatchNotebook(bus);
  const concludeItem = createConcludeItem({ bus, files: await bus.files(buckets.files) });
  const progress = createBatchProgress({ bus, notebook, now: Date.now });
  const stopping = new AbortController();
  const { signal } = stopping;
  const log = createLog("results", "silent");
  const watching = concludeCancelled({ bus, notebook, concludeItem, progress, log, signal, now: Date.now, ...times });
  return rig.closeAfter({
    async close() {
      stopping.abort();
      await watching;
    },
  });
}

async function record(batchId: string, itemIds: string[], label = ""): Promise<void> {
  const value: BatchRecord = {
    batchId,
    label,
    lane: "batch",
    acceptedAt: Date.now(),
    items: itemIds.map((itemId) => ({ itemId, customId: `mine-${itemId}`, operation: "transcribe" })),
  };
  await openBatchNotebook(rig.bus).enter(value);
}

function ok(text: string, overrides: Partial<SegmentResult> = {}): SegmentResult {
  const now = Date.now();
  return {
    outcome: "ok",
    last: true,
    submittedAt: now - 2_000,
    startedAt: now - 1_000,
    finishedAt: now,
    timestamps: false,
    text,
    language: "English",
    words: [],
    start: 0,
    duration: 1,
    score: -0.1,
    truncated: false,
    model: "parlance-en",
    passSize: 1,
    ...overrides,
  } as SegmentResult;
}

function failure(): SegmentResult {
  return {
    operation: "transcribe",
    outcome: "failed",
    last: true,
    submittedAt: Date.now(),
    finishedAt: Date.now(),
    timestamps: false,
    error: { code: "audio_corrupt", message: "The header\r\nlies." },
  };
}

async function publish(batchId: string, itemId: string, n: number, result: unknown): Promise<void> {
  await rig.bus.publishOnce(subjects.result(batchId, itemId, n), JSON.stringify(result), { first: true });
}

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error("it never came");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const parse = (message: { data: Uint8Array }): unknown => JSON.parse(Buffer.from(message.data).toString());

function done(batchId: string, itemId: string): Promise<ItemDone> {
  return eventually(async () => {
    const message = await rig.bus.last(streams.results, subjects.done(batchId, itemId));
    return message && itemDoneSchema.parse(parse(message));
  });
}

function summary(batchId: string) {
  return eventually(async () => {
    const message = await rig.bus.last(streams.results, subjects.summary(batchId));
    return message && batchSummarySchema.parse(parse(message));
  });
}

async function status(batchId: string): Promise<BatchStatus> {
  const reply = await rig.bus.request(requestSubjects.status(batchId), "", 5_000);
  return JSON.parse(Buffer.from(reply ?? "").toString()) as BatchStatus;
}

describe("folding", () => {
  test("items become done, and their batch gets one summary", async () => {
    await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x", "y"], "a label");
    await publish(batchId, "x", 0, ok("hello"));
    expect(await done(batchId, "x")).toMatchObject({ status: "done", transcript: { text: "hello" } });
    await publish(batchId, "y", 0, failure());
    expect(await summary(batchId)).toMatchObject({
      label: "a label",
      status: "partial",
      completed: 1,
      failed: 1,
      total: 2,
    });
  });

  test("segments that come in any order, to any of several instances, make one transcript", async () => {
    await Promise.all([startResults(), startResults(), startResults()]);
    const batchId = nextBatch();
    await record(batchId, ["x"]);
    const order = [7, 2, 0, 5, 9, 1, 8, 3, 6, 4];
    for (const n of order) await publish(batchId, "x", n, ok(`w${n}`, { last: n === 9, start: n * 25 }));
    expect((await done(batchId, "x")).transcript?.text).toBe("w0 w1 w2 w3 w4 w5 w6 w7 w8 w9");
    expect((await summary(batchId)).status).toBe("completed");
  });

  test("an instance that starts in the middle of an item finishes it", async () => {
    const first = await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x"]);
    await publish(batchId, "x", 0, ok("one", { last: false }));
    await eventually(async () =>
      (await rig.bus.consumerState(streams.results, "results")).ackPending === 0 ? true : undefined,
    );
    await first.close();
    await publish(batchId, "x", 1, ok("two"));
    await startResults();
    expect((await done(batchId, "x")).transcript?.text).toBe("one two");
  });

  test("a large transcript is a file that the done event names", async () => {
    await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x"]);
    const text = "word ".repeat(30_000).trim();
    await publish(batchId, "x", 0, ok(text));
    const event = await done(batchId, "x");
    expect(event).toMatchObject({ file: transcriptFileId(batchId, "x") });
    expect(event.transcript).toBeUndefined();
    const file = await (await rig.bus.files(buckets.files)).read(event.file ?? "");
    const chunks: Uint8Array[] = [];
    for await (const chunk of file?.content ?? []) chunks.push(chunk);
    const segments = [expect.objectContaining({ id: 0, start: 0, end: 1, text })];
    expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual({ text, language: "English", segments });
  });

  test("a result that cannot be read fails its item and is kept as a dead letter", async () => {
    await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x", "y"]);
    await publish(batchId, "x", 0, { nonsense: true });
    await publish(batchId, "y", 0, ok("fine"));
    expect(await done(batchId, "x")).toMatchObject({ status: "error", error: { code: "internal" } });
    expect((await summary(batchId)).failed).toBe(1);
    const dead = await eventually(() => rig.bus.last(streams.dead, subjects.dead("results", batchId, "x", 0)));
    expect(parse(dead)).toEqual({ nonsense: true });
  });

  test("events and results with malformed headers hold up neither the batch nor its status", async () => {
    await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x", "y", "z"]);
    const raw = rig.closeAfter(await connectRaw(rig.server.as("topology")));
    await raw.publish(subjects.done(batchId, "x"), headerBlock("Bad Name: 1"));
    const speak = JSON.stringify(ok("heard all the same"));
    await raw.publish(subjects.result(batchId, "y", 0), headerBlock("Größe: 1"), speak);
    await publish(batchId, "z", 0, ok("fine"));
    expect((await done(batchId, "y")).transcript?.text).toBe("heard all the same");
    expect(await summary(batchId)).toMatchObject({ completed: 2, failed: 1 });
    const notebook = openBatchNotebook(rig.bus);
    expect(await readStatus(rig.bus, notebook, batchId)).toMatchObject({ completed: 2, failed: 1 });
  });

  test("a replayed result changes nothing", async () => {
    await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x"]);
    await publish(batchId, "x", 0, ok("first"));
    const before = await done(batchId, "x");
    await rig.bus.publishOnce(subjects.result(batchId, "x", 0), JSON.stringify(ok("second")));
    await eventually(async () =>
      (await rig.bus.consumerState(streams.results, "results")).pending === 0 ? true : undefined,
    );
    expect(await done(batchId, "x")).toEqual(before);
    expect(await rig.bus.countSubjects(streams.results, subjects.batchDone(batchId))).toEqual(
      new Map([[subjects.done(batchId, "x"), 1]]),
    );
  });
});

describe("status", () => {
  test("follows an item from queued over processing to done", async () => {
    await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x", "y"]);
    expect(await status(batchId)).toMatchObject({ status: "queued", completed: 0, total: 2 });
    rig.bus.publish(subjects.progress(batchId, "x"), JSON.stringify({ state: "decoding", at: 1 }));
    await rig.bus.flush();
    expect((await status(batchId)).status).toBe("queued");
    rig.bus.publish(subjects.progress(batchId, "x"), JSON.stringify({ state: "running", at: 2 }));
    await eventually(async () => ((await status(batchId)).status === "processing" ? true : undefined));
    await publish(batchId, "x", 0, ok("hi"));
    await publish(batchId, "y", 0, failure());
    await summary(batchId);
    expect(await status(batchId)).toMatchObject({
      status: "partial",
      completed: 1,
      failed: 1,
      items: [
        { item_id: "x", custom_id: "mine-x", status: "done", run_seconds: 1, queue_seconds: 1 },
        { item_id: "y", status: "error", error: "The header lies.", error_code: "audio_corrupt" },
      ],
    });
  });

  test("of an unknown batch is an error body", async () => {
    await startResults();
    const reply = (await status("nobody")) as unknown as ErrorBody;
    expect(reply.error.code).toBe("batch_not_found");
  });
});

describe("cancelling", () => {
  test("concludes what is left and leaves what is done", async () => {
    await startResults();
    const batchId = nextBatch();
    await record(batchId, ["x", "y", "z"]);
    await publish(batchId, "x", 0, ok("kept"));
    await done(batchId, "x");
    await openBatchNotebook(rig.bus).cancel(batchId, 1);
    expect(await summary(batchId)).toMatchObject({ completed: 1, failed: 2, status: "partial" });
    expect(await done(batchId, "x")).toMatchObject({ status: "done" });
    expect(await done(batchId, "y")).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
    await publish(batchId, "z", 0, ok("too late"));
    expect(await done(batchId, "z")).toMatchObject({ error: { code: "cancelled" } });
  });

  test("of a batch whose record comes later, or while nobody listened, still happens", async () => {
    const batchId = nextBatch();
    await openBatchNotebook(rig.bus).cancel(batchId, 1);
    await startResults();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await record(batchId, ["0"]);
    expect(await done(batchId, "0")).toMatchObject({ error: { code: "cancelled" } });
  });

  test("of batches without a record keeps no place from others, and is not given up", async () => {
    const notebook = openBatchNotebook(rig.bus);
    const late = Array.from({ length: 20 }, nextBatch);
    await startWatcher({ firstPauseMs: 2 });
    for (const batchId of late) await notebook.cancel(batchId, 1);
    const known = nextBatch();
    await record(known, ["x"]);
    await notebook.cancel(known, 1);
    expect(await done(known, "x")).toMatchObject({ status: "cancelled" });
    // Long after an eighth look, which was the last one once.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    for (const batchId of late) await record(batchId, ["0"]);
    for (const batchId of late) expect(await done(batchId, "0")).toMatchObject({ status: "cancelled" });
  });
});

describe("tidying", () => {
  test("finished jobs go after the replay window, unfinished ones never", async () => {
    const batchId = nextBatch();
    for (let n = 0; n < 5; n += 1) {
      await rig.bus.publishOnce(subjects.job("transcribe", "batch", batchId, "x", n), "audio");
    }
    const taken = await rig.bus.pull({ stream: streams.jobs, durable: "transcribe-batch", max: 3, waitMs: 1_000 });
    for (const delivery of taken) await delivery.ack();
    // No window is so short that what was finished a moment ago is beyond it.
    await startResults({ REPLAY_WINDOW: "0" }, 50, () => Date.now() + 61_000);
    await eventually(async () => ((await rig.bus.streamState(streams.jobs)).messages === 2 ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await rig.bus.streamState(streams.jobs)).messages).toBe(2);
  });
});

test("folds a thousand results that came at once", { timeout: 60_000 }, async () => {
  const batchId = nextBatch();
  const items = Array.from({ length: 1_000 }, (_, index) => String(index));
  await record(batchId, items);
  await Promise.all(items.map((itemId) => publish(batchId, itemId, 0, ok(`text of ${itemId}`))));
  await startResults();
  expect(await summary(batchId)).toMatchObject({ completed: 1_000, failed: 0, total: 1_000 });
});
