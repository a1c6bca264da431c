/** What a status costs: what is read for it, and when an answer is the same. */
import { randomUUID } from "node:crypto";
import { type Bus, createTurns, followModelReadiness, openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  batchStatusSchema,
  buckets,
  type FinalStatus,
  finalStatusOf,
  plainStatus,
  requestSubjects,
  statusHeaders,
  streams,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import { expect, test } from "vitest";
import { createConcludeItem } from "../items/conclude-item.ts";
import { createBatchProgress } from "./batch-progress.ts";
import { createOwnEnds } from "./own-ends.ts";
import { createStatuses, type StatusAnswer, serveStatus } from "./status-service.ts";

const rig = useTestServer();
const all = { items: "all" } as const;

async function record(items: number): Promise<BatchRecord> {
  const value: BatchRecord = {
    ...{ batchId: randomUUID(), label: "mine", lane: "batch", acceptedAt: 1 },
    items: Array.from({ length: items }, (_, item) => ({ itemId: String(item), operation: "transcribe" })),
  };
  await openBatchNotebook(rig.bus).enter(value);
  return value;
}

async function end(batchId: string, item: number, status = "done"): Promise<void> {
  const error = status === "error" ? { errorCode: "audio_empty", error: "Nothing is in it." } : {};
  const headers = writeHeaders({ status, queueSeconds: 1, runSeconds: 0.5, ...error });
  await rig.bus.publishOnce(subjects.done(batchId, String(item)), "{}", { first: true, headers });
}

/** Counts the messages that are read of batches. */
function counting(bus: Bus): Bus & { messages: number } {
  const counted = {
    ...bus,
    messages: 0,
    async *read(options: Parameters<Bus["read"]>[0]) {
      for await (const message of bus.read(options)) {
        counted.messages += 1;
        yield message;
      }
    },
  };
  return counted;
}

function statuses(bus: Bus) {
  const { signal } = new AbortController();
  const also = { readiness: followModelReadiness({ bus }), ownEnds: createOwnEnds(), signal };
  return createStatuses({ bus, notebook: openBatchNotebook(bus), ...also });
}
async function textOf(answer: StatusAnswer | FinalStatus): Promise<string> {
  return Buffer.from(await plainStatus(answer)).toString();
}
const parsed = async (answer: StatusAnswer) => batchStatusSchema.parse(JSON.parse(await textOf(answer)));

test("of a running batch each done event is read once, however often it is asked for, and all of it is told", async () => {
  const { batchId } = await record(60);
  const bus = counting(rig.bus);
  const ask = statuses(bus);
  for (let item = 0; item < 50; item += 1) {
    await end(batchId, item, item % 10 === 0 ? "error" : "done");
    if (item % 5 === 0) await ask.read(batchId, all);
  }
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask.read(batchId, all)));
  for (const answer of answers) {
    expect(await parsed(answer)).toMatchObject({ completed: 45, failed: 5, total: 60, status: "partial" });
    expect(answer.final).toBe(false);
  }
  expect(bus.messages).toBe(50);
  // Another instance, or this one started again, reads all of it for the first answer.
  expect(await statuses(rig.bus).read(batchId, all)).toEqual(answers[0]);
});

test("what this process ends is known without being read; what another one ends is read", async () => {
  const { batchId } = await record(40);
  const bus = counting(rig.bus);
  const ownEnds = createOwnEnds();
  const concludeItem = createConcludeItem({ bus, files: await bus.files(buckets.files), ownEnds });
  const { signal } = new AbortController();
  const notebook = openBatchNotebook(bus);
  const ask = createStatuses({ bus, notebook, readiness: followModelReadiness({ bus }), ownEnds, signal });
  const completed = async () => (await parsed(await ask.read(batchId, all))).completed;
  const conclude = (item: number) =>
    concludeItem({ batchId, itemId: String(item), operation: "transcribe", status: "done", finishedAt: 1 });
  expect(await completed()).toBe(0);
  for (let item = 0; item < 20; item += 1) {
    await conclude(item);
    expect(await completed()).toBe(item + 1);
  }
  expect(bus.messages).toBe(0);
  await end(batchId, 20, "error");
  // Somebody else's was first: it stands.
  await conclude(20);
  await end(batchId, 21);
  expect(await parsed(await ask.read(batchId, all))).toMatchObject({ completed: 21, failed: 1 });
  expect(bus.messages).toBe(22);
});

/** Counts how often one message is looked for. */
function looking(bus: Bus): Bus & { looks: number } {
  const counted = {
    ...bus,
    looks: 0,
    async last(...asked: Parameters<Bus["last"]>) {
      counted.looks += 1;
      return await bus.last(...asked);
    },
  };
  return counted;
}

test("what is heard of a batch is told to its end without a look at its summary", async () => {
  const { batchId } = await record(2);
  const bus = looking(rig.bus);
  const ownEnds = createOwnEnds();
  const concludeItem = createConcludeItem({ bus: rig.bus, files: await bus.files(buckets.files), ownEnds });
  const { signal } = new AbortController();
  const notebook = openBatchNotebook(rig.bus);
  const ask = createStatuses({ bus, notebook, readiness: followModelReadiness({ bus }), ownEnds, signal });
  const common = { batchId, operation: "transcribe", status: "done", finishedAt: 1 } as const;
  expect(await ask.read(batchId, all)).toMatchObject({ final: false });
  expect(bus.looks).toBe(1);
  for (const itemId of ["0", "1"]) await concludeItem({ ...common, itemId });
  const told = await ask.read(batchId, all);
  expect(told.final).toBe(true);
  expect(bus.looks).toBe(1);
  // From then on it is as good as stored, and not kept.
  await createBatchProgress({ bus: rig.bus, notebook, now: () => 5 }).check(batchId);
  expect(await ask.read(batchId, all)).toMatchObject({ final: true, etag: told.etag });
  expect(bus.looks).toBe(2);
});

test("who knows that no summary was there has none looked for; one that is all that is left is found", async () => {
  const { batchId } = await record(1);
  const bus = looking(rig.bus);
  const unstored = { unstored: true };
  expect(await statuses(bus).read(batchId, all, unstored)).toMatchObject({ final: false });
  await end(batchId, 0);
  const told = await statuses(bus).read(batchId, all, unstored);
  expect(told.final).toBe(true);
  expect(bus.looks).toBe(0);
  const notebook = openBatchNotebook(rig.bus);
  await createBatchProgress({ bus: rig.bus, notebook, now: () => 5 }).check(batchId);
  await notebook.forget(batchId);
  await rig.bus.purgeSubject(streams.results, subjects.batchDone(batchId));
  expect(await statuses(bus).read(batchId, all, unstored)).toMatchObject({ final: true, etag: told.etag });
  await expect(statuses(bus).read(randomUUID(), all, unstored)).rejects.toMatchObject({ code: "batch_not_found" });
});

test("many who ask at once for what has ended have it read once", async () => {
  const { batchId } = await record(30);
  for (let item = 0; item < 30; item += 1) await end(batchId, item);
  const bus = counting(rig.bus);
  const ask = statuses(bus);
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask.read(batchId, all, { unstored: true })));
  expect(new Set(answers.map(({ etag }) => etag)).size).toBe(1);
  expect(answers.every(({ final }) => final)).toBe(true);
  expect(bus.messages).toBe(30);
  // Nothing of that reading is left to be waited for.
  expect(await ask.read(batchId, all, { unstored: true })).toEqual(answers[0]);
  expect(bus.messages).toBe(60);
});

test("a question sees what was stored before it, though another one is being answered", async () => {
  const { batchId } = await record(20);
  const ask = statuses(rig.bus);
  for (let item = 0; item < 20; item += 1) {
    const before = ask.read(batchId, all);
    await end(batchId, item);
    expect((await parsed(await ask.read(batchId, all))).completed).toBe(item + 1);
    await before;
  }
});

test("of a finished batch nothing is read but its summary, which holds the answer as it was folded", async () => {
  const { batchId } = await record(30);
  for (let item = 0; item < 30; item += 1) await end(batchId, item, item === 7 ? "error" : "done");
  const folded = await statuses(rig.bus).read(batchId, all);
  expect(folded.final).toBe(true);
  const notebook = openBatchNotebook(rig.bus);
  expect(await createBatchProgress({ bus: rig.bus, notebook, now: () => 5 }).check(batchId)).toBe(true);
  const summary = await rig.bus.last(streams.results, subjects.summary(batchId));
  const stored = summary && finalStatusOf(summary);
  if (stored === undefined) throw new Error("no status is stored");
  // Thirty items are worth being compressed.
  expect(stored).toMatchObject({ gzip: true, etag: folded.etag });
  expect(stored.data.byteLength).toBeLessThan(folded.data.byteLength / 3);
  expect(await textOf(stored)).toBe(await textOf(folded));
  // Nothing else is left of it.
  await notebook.forget(batchId);
  await rig.bus.purgeSubject(streams.results, subjects.batchDone(batchId));
  const bus = counting(rig.bus);
  const ask = statuses(bus);
  expect(await ask.read(batchId, all)).toMatchObject({ gzip: true, etag: folded.etag, final: true });
  const failed = await parsed(await ask.read(batchId, { items: "failed" }));
  expect(failed.items).toMatchObject([{ item_id: "7", error_code: "audio_empty" }]);
  const page = await parsed(await ask.read(batchId, { items: "all", offset: 28, limit: 10 }));
  expect(page).toMatchObject({ total: 30, next_offset: null, items: [{ item_id: "28" }, { item_id: "29" }] });
  expect((await parsed(await ask.read(batchId, { items: "none" }))).items).toEqual([]);
  expect(bus.messages).toBe(0);
});

test("an answer that is too long for a message comes compressed, or says how to ask for less", async () => {
  const { batchId } = await record(1_000);
  const { signal } = new AbortController();
  const turns = createTurns({ atOnce: 4, atOnceEach: 4, waitingEach: 4 });
  serveStatus({ bus: rig.bus, group: "long", turns, signal }, openBatchNotebook(rig.bus));
  const error = "x".repeat(1_200);
  const headers = writeHeaders({ status: "error", queueSeconds: 1, runSeconds: 0.5, errorCode: "audio_empty", error });
  await Promise.all(
    Array.from({ length: 999 }, (_, item) =>
      rig.bus.publishOnce(subjects.done(batchId, String(item)), "{}", { first: true, headers }),
    ),
  );
  const ask = async (request: object) => {
    const answer = await rig.bus.ask(requestSubjects.status(batchId), JSON.stringify(request), 5_000);
    if (answer === undefined) throw new Error("nobody answers");
    return answer;
  };
  const { data, headers: said } = await ask({ gzip: true });
  expect(said.get(statusHeaders.gzip)).toBe("true");
  const plain = await plainStatus({ data, gzip: true });
  expect(plain.byteLength).toBeGreaterThan(rig.bus.maxPayload);
  expect(batchStatusSchema.parse(JSON.parse(Buffer.from(plain).toString()))).toMatchObject({
    failed: 999,
    total: 1_000,
  });
  const refused = JSON.parse(Buffer.from((await ask({})).data).toString());
  expect(refused.error).toMatchObject({ code: "payload_too_large", param: "limit" });
  const page = JSON.parse(Buffer.from((await ask({ limit: 100 })).data).toString());
  expect(page).toMatchObject({ failed: 999, next_offset: 100 });
});

test("an answer that its asker has is empty, whichever instance gives it; a field that is not known is told", async () => {
  const { batchId } = await record(3);
  await end(batchId, 0);
  const over = new AbortController();
  const turns = createTurns({ atOnce: 4, atOnceEach: 4, waitingEach: 4 });
  for (const group of ["one", "other"]) {
    const requests = { bus: rig.bus, group, turns, signal: over.signal };
    serveStatus(
      group === "one" ? requests : { ...requests, bus: { ...rig.bus, serve: onOther } },
      openBatchNotebook(rig.bus),
    );
  }
  await rig.bus.flush();
  const subject = requestSubjects.status(batchId);
  const ask = async (request: object, where = subject) => {
    const answer = await rig.bus.ask(where, JSON.stringify(request), 5_000);
    if (answer === undefined) throw new Error("nobody answers");
    return answer;
  };
  const first = await ask({});
  const etag = first.headers.get(statusHeaders.etag);
  expect(first.data.byteLength).toBeGreaterThan(100);
  for (const where of [subject, `other.${subject}`]) {
    const again = await ask({ etag }, where);
    expect(again.data.byteLength).toBe(0);
    expect(again.headers.get(statusHeaders.unchanged)).toBe("true");
  }
  await end(batchId, 1);
  const changed = await ask({ etag });
  expect(changed.headers.has(statusHeaders.unchanged)).toBe(false);
  expect(batchStatusSchema.parse(JSON.parse(Buffer.from(changed.data).toString())).completed).toBe(2);
  const strange = JSON.parse(Buffer.from((await ask({ colour: "red" })).data).toString());
  expect(strange).toMatchObject({ completed: 2, warnings: [expect.stringContaining("colour")] });
  over.abort();

  /** The second instance answers under a name of its own. */
  function onOther(...[asked, group, handler, signal]: Parameters<Bus["serve"]>): void {
    rig.bus.serve(
      `other.${asked}`,
      group,
      (request) => handler({ ...request, subject: request.subject.slice(6) }),
      signal,
    );
  }
});
