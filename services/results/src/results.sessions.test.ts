/** Live sessions: batches to which utterances are added until somebody says that the last one was. */
import { randomUUID } from "node:crypto";
import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  type BatchStatus,
  type BatchSummary,
  batchStatusSchema,
  batchSummarySchema,
  concludeAnswerSchema,
  type DoneHeaders,
  errorBodySchema,
  readSettings,
  requestSubjects,
  SAMPLE_RATE,
  streams,
  subjects,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createResults, resultsSettings } from "./results.ts";

const rig = useTestServer({ secured: true });
const notebook = () => openBatchNotebook(rig.bus);

async function start(options: { sweepEveryMs?: number; now?: () => number } = {}): Promise<void> {
  const settings = readSettings(resultsSettings, {});
  const bus = await rig.connectAs("results");
  rig.closeAfter(await createResults({ bus, settings, log: createLog("results", "silent"), ...options }));
}

const utterance = (index: number) => ({
  itemId: String(index),
  operation: "transcribe" as const,
  start: index * SAMPLE_RATE,
  samples: SAMPLE_RATE / 2,
});

/** As ingest opens it and adds to it. */
async function open(utterances: number): Promise<string> {
  const batchId = randomUUID();
  const record = { batchId, label: "", lane: "realtime" as const, acceptedAt: 1, items: [], open: true as const };
  await notebook().enter(record);
  for (let index = 0; index < utterances; index += 1) {
    await notebook().revise(batchId, (now) => ({ ...now, items: [...now.items, utterance(index)] }));
  }
  return batchId;
}

async function close(batchId: string): Promise<void> {
  await notebook().revise(batchId, ({ open: _, ...record }) => record);
}

/** What comes of a job, as its worker tells it. */
async function hear(batchId: string, itemId: number): Promise<void> {
  const times = { submittedAt: 0, startedAt: 1, finishedAt: 2, timestamps: false };
  const said = { text: `said ${itemId}`, language: "English", words: [], start: 0, duration: 0.5, score: 0 };
  const result = { outcome: "ok", last: true, ...times, ...said, truncated: false, model: "m", passSize: 1 };
  await rig.bus.publishOnce(subjects.result(batchId, String(itemId), 0), JSON.stringify(result), { first: true });
}

const textOf = (data: Uint8Array | undefined) => Buffer.from(data ?? "").toString();

async function conclude(batchId: string): Promise<unknown> {
  return JSON.parse(textOf(await rig.bus.request(subjects.liveConclude(batchId), "", 10_000)));
}

async function status(batchId: string): Promise<BatchStatus> {
  return batchStatusSchema.parse(
    JSON.parse(textOf(await rig.bus.request(requestSubjects.status(batchId), "", 10_000))),
  );
}

async function summary(batchId: string): Promise<BatchSummary | undefined> {
  const event = await rig.bus.last(streams.results, subjects.summary(batchId));
  return event && batchSummarySchema.parse(JSON.parse(textOf(event.data)));
}

async function untilDone(batchId: string, itemId: number, outcome: DoneHeaders["status"] = "done"): Promise<void> {
  await vi.waitFor(
    async () => {
      const event = await rig.bus.last(streams.results, subjects.done(batchId, String(itemId)));
      expect(event?.headers.get("Parlance-Status")).toBe(outcome);
    },
    { timeout: 20_000, interval: 10 },
  );
}

async function untilSummary(batchId: string): Promise<BatchSummary> {
  return await vi.waitFor(
    async () => {
      const found = await summary(batchId);
      if (found === undefined) throw new Error("it has no summary");
      return found;
    },
    { timeout: 20_000, interval: 10 },
  );
}

describe("a session", () => {
  beforeEach(async () => {
    await start();
  });

  test("that goes on is processing, with its utterances so far and where they lie, and has no summary", async () => {
    const batchId = await open(2);
    expect(await status(batchId)).toMatchObject({ status: "processing", total: 2, completed: 0 });
    for (const index of [0, 1]) await hear(batchId, index);
    for (const index of [0, 1]) await untilDone(batchId, index);
    expect(errorBodySchema.parse(await conclude(batchId)).error.code).toBe("validation_failed");
    expect(await status(batchId)).toMatchObject({
      status: "processing",
      completed: 2,
      items: [
        { status: "done", start: 0, end: 0.5 },
        { status: "done", start: 1, end: 1.5 },
      ],
    });
    expect(await summary(batchId)).toBeUndefined();

    await close(batchId);
    expect(concludeAnswerSchema.parse(await conclude(batchId))).toEqual({ sessionId: batchId, concluded: true });
    expect(await summary(batchId)).toMatchObject({ status: "completed", total: 2, completed: 2 });
    expect(await conclude(batchId)).toMatchObject({ concluded: true });
    expect((await status(batchId)).status).toBe("completed");
  });

  test("that ended before its last utterance was heard has its summary when it is", async () => {
    const batchId = await open(2);
    await hear(batchId, 0);
    await untilDone(batchId, 0);
    await close(batchId);
    expect(await conclude(batchId)).toEqual({ sessionId: batchId, concluded: false });
    await hear(batchId, 1);
    expect(await untilSummary(batchId)).toMatchObject({ status: "completed", total: 2 });
  });

  test("in which nobody spoke ends with a summary of none", async () => {
    const batchId = await open(0);
    expect(await status(batchId)).toMatchObject({ status: "processing", total: 0 });
    await close(batchId);
    expect(await conclude(batchId)).toMatchObject({ concluded: true });
    expect(await summary(batchId)).toMatchObject({ status: "completed", total: 0, completed: 0, failed: 0 });
    expect((await status(batchId)).status).toBe("completed");
  });

  test("that nobody knows cannot be concluded", async () => {
    expect(errorBodySchema.parse(await conclude(randomUUID())).error.code).toBe("batch_not_found");
  });

  test("that is cancelled ends what it has and what is still added to it, and keeps what was heard", async () => {
    const batchId = await open(2);
    await hear(batchId, 0);
    await untilDone(batchId, 0);
    expect(await notebook().cancelUnfinished(batchId, 1)).toBe(true);
    await untilDone(batchId, 1, "cancelled");
    expect(await summary(batchId)).toBeUndefined();
    await notebook().revise(batchId, (now) => ({ ...now, items: [...now.items, utterance(2)] }));
    await close(batchId);
    expect(await conclude(batchId)).toMatchObject({ concluded: true });
    await untilDone(batchId, 2, "cancelled");
    expect(await summary(batchId)).toMatchObject({ status: "partial", completed: 1, failed: 2, total: 3 });
  });
});

test("a session that was forgotten is concluded, though its record says that it goes on", async () => {
  const batchId = await open(1);
  await hear(batchId, 0);
  await start({ sweepEveryMs: 50, now: () => Date.now() + 120_000 });
  expect(await untilSummary(batchId)).toMatchObject({ status: "completed", total: 1 });
});
