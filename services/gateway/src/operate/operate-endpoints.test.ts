import { connectBus } from "@parlance/bus";
import {
  type BatchRecord,
  batchListSchema,
  deadLetterReasonHeader,
  deadLettersSchema,
  endAlone,
  lanesSchema,
  type OperateEvent,
  operateEventSchema,
  replayRequestSchema,
  replayResponseSchema,
  type SegmentResult,
  SpeechError,
  subjects,
  submitResponseSchema,
} from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startRig, startTestGateway, type TestGateway, type TestRig } from "../testing/test-gateway.ts";

let rig: TestRig;
let gateway: TestGateway;

beforeAll(async () => {
  rig = await startRig();
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
});

async function submit(label: string): Promise<string> {
  const ref_audio = await gateway.upload("say:fine");
  const { body } = await gateway.post("/api/v1/queue/submit", {
    label,
    items: [{ operation: "transcribe", ref_audio }],
  });
  return submitResponseSchema.parse(body).batch_id;
}

const list = async (query = "") => batchListSchema.parse((await gateway.json(`/api/v1/queue/batches${query}`)).body);

describe("the list of batches", () => {
  test("has the newest first, with what came of them, in pages", async () => {
    const ids: string[] = [];
    for (const label of ["one", "two", "three"]) ids.push(await submit(label));
    const batches = await eventually(async () => {
      const page = await list("?limit=3");
      return page.batches.every(({ finished_at }) => finished_at !== null) ? page.batches : undefined;
    });
    expect(batches.map(({ batch_id }) => batch_id)).toEqual(ids.reverse());
    expect(batches[0]).toMatchObject({
      ...{ label: "three", status: "completed", total: 1, finished: 1, failed: 0, live: false, source: null },
      ...{ lane: "batch", operations: ["transcribe"] },
    });
    const first = await list("?limit=1");
    const second = await list(`?limit=1&before=${first.next}`);
    expect([first, second].map(({ batches: [only] }) => only?.label)).toEqual(["three", "two"]);
  });

  test.each(["?limit=0", "?limit=201", "?limit=many", "?before=0"])("refuses %s by the field's name", async (query) => {
    const { status, body } = await gateway.json(`/api/v1/queue/batches${query}`);
    const param = /\w+/.exec(query)?.[0];
    expect({ status, body }).toMatchObject({ status: 422, body: { error: { code: "validation_failed", param } } });
  });
});

test("the lanes are all there, and nothing waits in them", async () => {
  const { lanes } = lanesSchema.parse((await gateway.json("/api/v1/queue/lanes")).body);
  expect(lanes).toHaveLength(12);
  expect(lanes[0]).toMatchObject({ lane: "realtime", operation: "transcribe" });
});

test("dead letters are listed with their reason, newest first", async () => {
  const worker = await connectBus({ name: "worker", ...rig.server.as("transcribe-worker") });
  try {
    for (const [n, reason] of ["poison", "exhausted"].entries()) {
      await worker.publishOnce(subjects.dead("transcribe-worker", "b", "i", n), "abc", {
        headers: [[deadLetterReasonHeader, reason]],
      });
    }
  } finally {
    await worker.close();
  }
  const { body } = await gateway.json("/api/v1/queue/dead-letters?limit=1");
  const page = deadLettersSchema.parse(body);
  expect(page.dead_letters).toMatchObject([
    { service: "transcribe-worker", batch_id: "b", item_id: "i", segment: 1, reason: "exhausted", bytes: 3 },
  ]);
  const rest = deadLettersSchema.parse((await gateway.json(`/api/v1/queue/dead-letters?before=${page.next}`)).body);
  expect(rest).toMatchObject({ dead_letters: [{ reason: "poison" }], next: null });
});

test("a replay is asked of ingest, which alone may publish jobs, and what that refuses is told", async () => {
  const ingest = await connectBus({ name: "ingest", ...rig.server.as("ingest") });
  const over = new AbortController();
  const replay = (id: string) => gateway.json(`/api/v1/queue/${id}/replay`, { method: "POST" });
  try {
    expect(await replay("known")).toMatchObject({ status: 503, body: { error: { code: "bus_unavailable" } } });
    const asked: unknown[] = [];
    ingest.serve(
      subjects.replay("*"),
      "ingest",
      async ({ subject, data, respond }) => {
        if (subject !== subjects.replay("known")) throw new SpeechError("batch_not_found");
        asked.push(replayRequestSchema.parse(JSON.parse(Buffer.from(data).toString())));
        respond(JSON.stringify({ jobs: 2 }));
      },
      over.signal,
    );
    await ingest.flush();
    for (const id of ["nobody", "a.b", "*"])
      expect(await replay(id), id).toMatchObject({ status: 404, body: { error: { code: "batch_not_found" } } });
    const { status, body } = await replay("known");
    expect(status).toBe(200);
    const { batch_id, new_batch_id, jobs } = replayResponseSchema.parse(body);
    expect([batch_id, { new_batch_id }, jobs]).toEqual(["known", asked[0], 2]);
  } finally {
    over.abort();
    await ingest.close();
  }
});

/** Events of one stream, as they come. */
async function* eventsOf(leaving: AbortController): AsyncGenerator<OperateEvent, void> {
  const response = await gateway.call("/api/v1/events", { signal: leaving.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks.filter((each) => each.startsWith("data: ")))
      yield operateEventSchema.parse(JSON.parse(block.slice(6)));
  }
}

test("events tell the state at once, and items and batches when they end", async () => {
  const leaving = new AbortController();
  let batchId: string | undefined;
  const types = new Set<string>();
  for await (const event of eventsOf(leaving)) {
    batchId ??= await submit("told");
    if (event.type === "item" || event.type === "batch") expect(event.batch_id).toBe(batchId);
    types.add(event.type);
    if (types.has("state") && types.has("item") && types.has("batch") && types.has("batches")) break;
  }
  leaving.abort();
});

test("the one message that ends a batch of one segment is told of as its row, its item and its batch", async () => {
  const record: BatchRecord = {
    ...{ batchId: "lone", label: "mine", lane: "batch", acceptedAt: 1_000 },
    items: [{ itemId: "0", operation: "transcribe" }],
  };
  const result: SegmentResult = {
    ...{ operation: "transcribe", outcome: "ok", last: true, submittedAt: 1_000, timestamps: false, model: "m" },
    ...{ text: "hello", language: "English", words: [], stretches: [], start: 0, duration: 1, score: null },
    ...{ truncated: false, startedAt: 2_003, finishedAt: 3_010, passSize: 2, worker: "w", attempt: 1 },
  };
  const end = endAlone({ batchId: "lone", itemId: "0" }, result, record);
  const leaving = new AbortController();
  const worker = await connectBus({ name: "worker", ...rig.server.as("transcribe-worker") });
  const told: OperateEvent[] = [];
  try {
    for await (const event of eventsOf(leaving)) {
      if (event.type === "pass" && told.length === 0)
        await worker.publishOnce(subjects.done("lone", "0"), end?.payload ?? "", { headers: end?.headers ?? [] });
      if (event.type === "pass" || event.type === "item" || event.type === "batch") told.push(event);
      if (event.type === "batch") break;
      const pass = { worker: "w", model: "m", operation: "transcribe", rows: 2 };
      if (event.type === "state" && told.length === 0)
        worker.publish(subjects.progress("lone", "0"), JSON.stringify({ state: "running", at: 2_003, pass }));
    }
  } finally {
    leaving.abort();
    await worker.close();
  }
  const id = told[0]?.type === "pass" ? told[0].id : "";
  expect(told).toMatchObject([
    { type: "pass", id, rows: 2, ended: 0 },
    { type: "pass", id, rows: 2, ended: 1, worker: "w", ended_at: new Date(3_010).toISOString() },
    { type: "item", batch_id: "lone", status: "done", worker: "w", attempts: 1, run_seconds: 1.007 },
    { type: "batch", batch_id: "lone", label: "mine", status: "completed", completed: 1, failed: 0, total: 1 },
  ]);
});
