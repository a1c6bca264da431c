/** Counts come from a stream's leader, messages from any replica: what was counted and not read is for another try. */
import { randomUUID } from "node:crypto";
import { type Bus, openBatchNotebook, type StoredMessage } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { type BatchRecord, batchSummarySchema, streams, subjects } from "@parlance/contracts";
import { expect, test } from "vitest";
import { itemFromStream } from "../items/item-from-stream.ts";
import { createBatchProgress } from "./batch-progress.ts";

const rig = useTestServer();

/** The first reads bring all but the last message of what there is. */
function lagging(bus: Bus, reads: number): Bus {
  let left = reads;
  return {
    ...bus,
    async *read(options) {
      const all: StoredMessage[] = [];
      for await (const message of bus.read(options)) all.push(message);
      yield* left-- > 0 ? all.slice(0, -1) : all;
    },
  };
}

test("a batch of which fewer done events are read than counted is neither summed up nor taken for unfinished", async () => {
  const batchId = randomUUID();
  const items = ["x", "y"].map((itemId) => ({ itemId, operation: "transcribe" as const }));
  const record: BatchRecord = { batchId, label: "", lane: "batch", acceptedAt: 0, items };
  const notebook = openBatchNotebook(rig.bus);
  await notebook.enter(record);
  for (const { itemId } of items) {
    await rig.bus.publishOnce(subjects.done(batchId, itemId), "{}", { headers: [["Parlance-Status", "done"]] });
  }
  const progress = createBatchProgress({ bus: lagging(rig.bus, 1), notebook, now: Date.now });
  await expect(progress.check(batchId)).rejects.toMatchObject({ code: "bus_unavailable", retryable: true });
  expect(await rig.bus.last(streams.results, subjects.summary(batchId))).toBeUndefined();
  await progress.check(batchId);
  const summary = await rig.bus.last(streams.results, subjects.summary(batchId));
  expect(batchSummarySchema.parse(JSON.parse(Buffer.from(summary?.data ?? []).toString())).completed).toBe(2);
});

test("an item of which fewer results are read than counted is not taken for incomplete", async () => {
  const address = { batchId: randomUUID(), itemId: "x" };
  const result = (n: number) => ({
    outcome: "ok",
    last: n === 2,
    submittedAt: 0,
    startedAt: 0,
    finishedAt: 0,
    timestamps: false,
    text: `${n}`,
    language: "English",
    words: [],
    start: n,
    duration: 1,
    score: 0,
    truncated: false,
    model: "m",
    passSize: 1,
  });
  for (const n of [0, 1, 2]) {
    await rig.bus.publishOnce(subjects.result(address.batchId, address.itemId, n), JSON.stringify(result(n)));
  }
  const bus = lagging(rig.bus, 1);
  await expect(itemFromStream(bus, address, new Map())).rejects.toMatchObject({ code: "bus_unavailable" });
  expect((await itemFromStream(bus, address, new Map()))?.done.transcript?.text).toBe("0 1 2");
});
