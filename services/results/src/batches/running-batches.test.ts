/** What is known of batches while they go on, whoever ends their items. */
import { randomUUID } from "node:crypto";
import { type Bus, openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { subjects, writeHeaders } from "@parlance/contracts";
import { afterEach, expect, test } from "vitest";
import { createOwnEnds } from "./own-ends.ts";
import { createRunningBatches, type RunningBatches } from "./running-batches.ts";

const rig = useTestServer();
const over: AbortController[] = [];
afterEach(() => {
  for (const each of over.splice(0)) each.abort();
});

function open(bus: Bus, mostItems?: number): RunningBatches {
  const { signal } = over[over.push(new AbortController()) - 1] ?? new AbortController();
  const more = mostItems === undefined ? {} : { mostItems };
  return createRunningBatches({ bus, find: openBatchNotebook(bus).read, ownEnds: createOwnEnds(), signal, ...more });
}

async function record(items: number): Promise<string> {
  const batchId = randomUUID();
  await openBatchNotebook(rig.bus).enter({
    ...{ batchId, label: "", lane: "batch", acceptedAt: 1 },
    items: Array.from({ length: items }, (_, item) => ({ itemId: String(item), operation: "transcribe" })),
  });
  return batchId;
}

async function end(batchId: string, item: number): Promise<void> {
  const headers = writeHeaders({ status: "done" });
  await rig.bus.publishOnce(subjects.done(batchId, String(item)), "{}", { first: true, headers });
}

async function completed(batches: RunningBatches, batchId: string): Promise<number> {
  const batch = await batches.read(batchId);
  return JSON.parse(batch?.write({ items: "none" }, undefined) ?? "{}").completed;
}

test("an end that is heard before it is stored is looked for until it is", async () => {
  const batchId = await record(2);
  let hidden = false;
  const bus: Bus = {
    ...rig.bus,
    async *read(options) {
      for await (const message of rig.bus.read(options)) if (!hidden) yield message;
    },
  };
  const batches = open(bus);
  expect(await completed(batches, batchId)).toBe(0);
  hidden = true;
  await end(batchId, 0);
  for (let question = 0; question < 3; question += 1) expect(await completed(batches, batchId)).toBe(0);
  hidden = false;
  expect(await completed(batches, batchId)).toBe(1);
});

test("batches that take each other's place, and such as are entered at one time, miss nothing", async () => {
  const ids = await Promise.all([3, 3, 3].map((items) => record(items)));
  const batches = open(rig.bus, 3);
  for (let item = 0; item < 3; item += 1) {
    await Promise.all(ids.map((id) => completed(batches, id)));
    await Promise.all(ids.map((id) => end(id, item)));
    expect(await Promise.all(ids.map((id) => completed(batches, id)))).toEqual([item + 1, item + 1, item + 1]);
    for (const id of ids) expect(await completed(batches, id)).toBe(item + 1);
  }
  expect(batches.size).toBeLessThanOrEqual(2);
});

test("what another process ends is seen by the next question, with the rights that results has", async () => {
  const batchId = await record(12);
  const batches = open(await rig.connectAs("results"));
  for (let item = 0; item < 12; item += 1) {
    expect(await completed(batches, batchId)).toBe(item);
    await end(batchId, item);
  }
  expect(await completed(batches, batchId)).toBe(12);
});
