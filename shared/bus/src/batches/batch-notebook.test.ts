import { type BatchRecord, batchEntries } from "@parlance/contracts";
import { expect, test } from "vitest";
import * as z from "zod";
import { useTestServer } from "../testing/index.ts";
import { openBatchNotebook } from "./batch-notebook.ts";

const rig = useTestServer();
const quiet = { info() {}, warn() {} };

const record = (batchId: string): BatchRecord => ({
  batchId,
  label: "mine",
  lane: "batch",
  acceptedAt: 1,
  items: [{ itemId: "0", operation: "transcribe" }],
});

test("a batch is entered once, and a record that nothing follows is taken back", async () => {
  const notebook = openBatchNotebook(rig.bus);
  expect(await notebook.read("one")).toBeUndefined();
  const revision = (await notebook.enter(record("one"))) ?? 0;
  expect(await notebook.enter({ ...record("one"), label: "another" })).toBeUndefined();
  expect(await notebook.read("one")).toEqual(record("one"));
  await notebook.withdraw("one", revision);
  expect(await notebook.has("one")).toBe(false);
  await notebook.enter({ ...record("one"), label: "another" });
  await notebook.withdraw("one", revision);
  expect(await notebook.read("one")).toMatchObject({ label: "another" });
});

test("a batch is cancelled while it is not finished, known or not", async () => {
  const notebook = openBatchNotebook(rig.bus);
  await rig.bus.publishOnce("speech.summary.finished", "{}");
  expect(await notebook.cancelUnfinished("finished", 1)).toBe(false);
  expect(await notebook.isCancelled("finished")).toBe(false);
  expect(await notebook.cancelUnfinished("unknown", 1)).toBe(true);
  expect(await notebook.isCancelled("unknown")).toBe(true);
});

test("who follows cancelled batches is told of each, one after the other, and stops who works on them", async () => {
  const notebook = openBatchNotebook(rig.bus);
  await notebook.cancel("before", 1);
  const over = new AbortController();
  const told: string[] = [];
  let telling = 0;
  const cancelled = notebook.followCancelled({
    log: quiet,
    signal: over.signal,
    async onCancelled(batchId) {
      expect(++telling).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      told.push(batchId);
      telling -= 1;
    },
    onForgotten: (batchId) => told.push(`no ${batchId}`),
  });
  await expect.poll(() => told).toContain("before");
  expect(cancelled.has("before")).toBe(true);
  expect(cancelled.enter("before").signal.reason).toMatchObject({ code: "cancelled" });

  const [works, worked, other] = [cancelled.enter("later"), cancelled.enter("later"), cancelled.enter("other")];
  worked.leave();
  // Written by another hand: whatever the key holds is a request.
  await rig.bus.bucket({ ...batchEntries.cancelled, schema: z.string() }).put("later", "now");
  await expect.poll(() => works.signal.aborted).toBe(true);
  expect([worked.signal.aborted, other.signal.aborted]).toEqual([false, false]);

  await rig.bus.bucket(batchEntries.cancelled).delete("later");
  await expect.poll(() => told.at(-1)).toBe("no later");
  expect(cancelled.has("later")).toBe(false);
  over.abort();
  await cancelled.ended;
});

test("runs that came to no end are counted until the count is struck out", async () => {
  const { unfinishedRuns } = openBatchNotebook(rig.bus);
  expect(await unfinishedRuns.of(7)).toBe(0);
  await unfinishedRuns.note(7, 2);
  expect(await unfinishedRuns.of(7)).toBe(2);
  await unfinishedRuns.note(7, 0);
  expect(await unfinishedRuns.of(7)).toBe(0);
});

test("what is spent is told oldest first, and a batch that is forgotten leaves nothing", async () => {
  const notebook = openBatchNotebook(rig.bus);
  for await (const note of notebook.spentNotes({ until: Date.now(), claimsUntil: Date.now() }))
    await notebook.strikeOut(note);
  await notebook.tryOut();
  await notebook.enter(record("gone"));
  await notebook.cancel("gone", 1);
  const revision = (await notebook.enter(record("refused"))) ?? 0;
  await notebook.withdraw("refused", revision);
  const claim = { body: "b", batchId: "x", itemIds: [], acceptedAt: 1, published: true };
  await notebook.claims.create("mine", claim);
  const { messages } = await notebook.state();
  const spent = async (claimsUntil: number) => {
    const found: string[] = [];
    for await (const note of notebook.spentNotes({ until: Date.now() + 60_000, claimsUntil })) found.push(note);
    return found;
  };
  expect(await spent(0)).toEqual(["batch.refused"]);
  expect(await spent(Date.now() + 60_000)).toEqual(["idempotency.check", "batch.refused", "idempotency.mine"]);
  await notebook.forget("gone");
  await notebook.strikeOut("batch.refused");
  expect((await notebook.state()).messages).toBe(messages - 3);
  expect([await notebook.has("gone"), await notebook.isCancelled("gone")]).toEqual([false, false]);
});
