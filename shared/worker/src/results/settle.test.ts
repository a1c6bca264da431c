/** How the only job of a batch ends, on a real server: by its batch's end, whoever runs it and however often. */
import { connectBus, type Held, loneEnd, openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  batchSummarySchema,
  durables,
  itemDoneSchema,
  type SegmentResult,
  SpeechError,
  streams,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { expect, test } from "vitest";
import { asItIs, type Job, readJob } from "../lanes/job.ts";
import { createSettlement } from "./settle.ts";

const rig = useTestServer({ secured: true });

const recordOf = (batchId: string): BatchRecord => ({
  ...{ batchId, label: "mine", lane: "batch", acceptedAt: 1, source: "lab", intake: { seq: 1, digest: "d" } },
  items: [{ itemId: "0", operation: "transcribe" }],
});

const ok = (text: string): SegmentResult => ({
  ...{ operation: "transcribe", outcome: "ok", last: true, submittedAt: 1, timestamps: false, finishedAt: 2 },
  ...{ text, language: "English", words: [], stretches: [], start: 0, duration: 1, score: null },
  ...{ truncated: false, model: "m", passSize: 1 },
});

/** The only job of its batch, as ingest publishes it and a worker takes it. */
async function takeJob(batchId: string): Promise<Job> {
  await rig.bus.publishOnce(subjects.job("transcribe", "batch", batchId, "0", 0), "audio", {
    headers: writeHeaders({ submittedAt: 1, last: true, batch: recordOf(batchId) }),
  });
  return await takeAgain();
}

async function takeAgain(): Promise<Job> {
  const durable = durables.worker("transcribe", "batch");
  const [delivery] = await rig.bus.pull({ stream: streams.jobs, durable, max: 1, waitMs: 5_000 });
  if (delivery === undefined) throw new Error("no job came");
  const held: Held = { ...delivery, settled: false, letGo: () => undefined };
  return readJob(held, asItIs, 0);
}

async function settlement() {
  const bus = await rig.connectAs("transcribe-worker");
  const log = createLog("worker", "silent");
  const signal = new AbortController().signal;
  return createSettlement({ bus, service: "transcribe-worker", worker: "w", log, signal });
}

/** As a publisher hears them. */
async function hearSummaries() {
  const publisher = rig.closeAfter(await connectBus({ name: "publisher", url: rig.server.url }));
  const over = new AbortController();
  const heard: unknown[] = [];
  const hearing = (async () => {
    for await (const { subject, data } of publisher.subscribe("speech.summary.*", over.signal)) {
      heard.push([subject, batchSummarySchema.parse(JSON.parse(Buffer.from(data).toString())).status]);
    }
  })();
  await publisher.flush();
  rig.closeAfter({
    async close() {
      over.abort();
      await hearing;
    },
  });
  return heard;
}

async function stored(batchId: string) {
  const counts = await Promise.all(
    [`speech.result.${batchId}.>`, subjects.batchDone(batchId), subjects.summary(batchId)].map(async (filter) =>
      [...(await rig.bus.countSubjects(streams.results, filter)).values()].reduce((sum, count) => sum + count, 0),
    ),
  );
  const end = await loneEnd(rig.bus, batchId);
  return {
    counts,
    end: end && { ...itemDoneSchema.parse(JSON.parse(Buffer.from(end.event.data).toString())), ...end },
  };
}

test("one message is its result, its item's end and its batch's record, and a summary is told", async () => {
  const heard = await hearSummaries();
  const job = await takeJob("lone");
  expect(await (await settlement()).result(job, ok("hello"))).toBe(true);
  const { counts, end } = await stored("lone");
  expect(counts).toEqual([0, 1, 0]);
  expect(end).toMatchObject({ status: "done", transcript: { text: "hello" }, record: recordOf("lone") });
  expect(end).toMatchObject({ worker: "w", attempts: 1 });
  await expect.poll(() => heard).toEqual([["speech.summary.lone", "completed"]]);
  expect((await rig.bus.consumerState(streams.jobs, durables.worker("transcribe", "batch"))).ackPending).toBe(0);
});

test("a worker that dies after its end is stored and before its job is acknowledged: whoever gets the job tells it and is done", async () => {
  const job = await takeJob("again");
  const first = await settlement();
  // Killed there: nothing is acknowledged, and the job comes again.
  await first.result(
    { ...job, delivery: { ...job.delivery, ack: () => Promise.reject(new Error("killed")) } },
    ok("one"),
  );
  job.delivery.nak(0);
  const heard = await hearSummaries();
  const second = await settlement();
  const again = await takeAgain();
  expect(again.delivery.deliveries).toBe(2);
  expect(await second.isDone(again)).toBe(true);
  await second.acknowledge(again.delivery);
  await expect.poll(() => heard).toEqual([["speech.summary.again", "completed"]]);
  // One that runs it all the same changes nothing.
  await second.result(again, ok("another"));
  const { counts, end } = await stored("again");
  expect(counts).toEqual([0, 1, 0]);
  expect(end?.transcript?.text).toBe("one");
});

test("an end that came first stays: of a batch that was cancelled meanwhile the worker tells nothing", async () => {
  const heard = await hearSummaries();
  const job = await takeJob("late");
  await rig.bus.publishOnce(subjects.done("late", "0"), "{}", {
    first: true,
    headers: writeHeaders({ status: "cancelled" }),
  });
  const settle = await settlement();
  expect(await settle.isDone(job)).toBe(true);
  expect(await settle.result(job, ok("too late"))).toBe(true);
  expect(await stored("late")).toEqual({ counts: [0, 1, 0], end: undefined });
  expect(heard).toEqual([]);
});

test("a failure, and a job that is put aside, end their batches as well", async () => {
  const heard = await hearSummaries();
  const settle = await settlement();
  const failure = new SpeechError("engine_failed").toFailure();
  expect(await settle.failure(await takeJob("failed"), failure)).toBe(true);
  const job = await takeJob("dead");
  expect(await settle.dead(job.delivery, failure, job)).toBe(true);
  // Its headers cannot be read as a job's.
  expect(await settle.dead((await takeJob("unread")).delivery, failure)).toBe(true);
  for (const batchId of ["failed", "dead", "unread"]) {
    const { counts, end } = await stored(batchId);
    expect(counts).toEqual([0, 1, 0]);
    expect(end).toMatchObject({ status: "error", error: { code: "engine_failed" }, record: recordOf(batchId) });
  }
  await expect
    .poll(() => heard)
    .toEqual([
      ["speech.summary.failed", "error"],
      ["speech.summary.dead", "error"],
      ["speech.summary.unread", "error"],
    ]);
  expect(await rig.bus.last(streams.dead, "speech.dead.*.dead.>")).toBeDefined();
});

test("a job that nobody wants ends its batch before it is acknowledged: nothing else says any more what was asked", async () => {
  const heard = await hearSummaries();
  const settle = await settlement();
  expect(await settle.forget((await takeJob("unwanted")).delivery)).toBe(true);
  const { counts, end } = await stored("unwanted");
  expect(counts).toEqual([0, 1, 0]);
  expect(end).toMatchObject({ status: "cancelled", error: { code: "cancelled" }, record: recordOf("unwanted") });
  await expect.poll(() => heard).toEqual([["speech.summary.unwanted", "error"]]);
});

test("a transcript as long as a file is a result, which the results service concludes: it says what was asked", async () => {
  const job = await takeJob("long");
  expect(await (await settlement()).result(job, ok("word ".repeat(60_000)))).toBe(true);
  expect(await stored("long")).toEqual({ counts: [1, 0, 0], end: undefined });
  expect(await openBatchNotebook(rig.bus).find("long")).toEqual({ record: recordOf("long"), kept: false });
});
