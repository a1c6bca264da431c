/** What is known of batches while they go on, whoever ends their items. */
import { randomUUID } from "node:crypto";
import { type Bus, openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { batchStatusSchema, streams, subjects, writeHeaders } from "@parlance/contracts";
import { afterEach, expect, test, vi } from "vitest";
import { createOwnEnds } from "./own-ends.ts";
import { createRunningBatches, type RunningBatches, type RunningBatchesOptions } from "./running-batches.ts";

const rig = useTestServer();
const over: AbortController[] = [];
afterEach(() => {
  for (const each of over.splice(0)) each.abort();
});

function open(bus: Bus, more: Partial<RunningBatchesOptions> = {}): RunningBatches {
  const { signal } = over[over.push(new AbortController()) - 1] ?? new AbortController();
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

/** A question comes to results on the connection on which it hears: behind what was told before. */
async function asQuestionsDo(bus: Bus): Promise<void> {
  await bus.flush();
}

/** With how many subscriptions there are at the moment. */
function countingListeners(): Bus & { listening: number } {
  const bus: Bus & { listening: number } = {
    ...rig.bus,
    listening: 0,
    subscribe(subject, signal) {
      bus.listening += 1;
      signal.addEventListener("abort", () => {
        bus.listening -= 1;
      });
      return rig.bus.subscribe(subject, signal);
    },
  };
  return bus;
}

function begin(batchId: string, item: number): void {
  rig.bus.publish(subjects.progress(batchId, String(item)), JSON.stringify({ state: "running", at: 1 }));
}

async function begun(batches: RunningBatches, batchId: string): Promise<string[]> {
  const text = (await batches.read(batchId))?.write({ items: "all" }, undefined) ?? "{}";
  const { items } = batchStatusSchema.parse(JSON.parse(text));
  return items.filter(({ status }) => status === "processing").map(({ item_id }) => item_id);
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
  const batches = open(rig.bus, { mostItems: 3 });
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
  const bus = await rig.connectAs("results");
  const batches = open(bus);
  for (let item = 0; item < 12; item += 1) {
    expect(await completed(batches, batchId)).toBe(item);
    await end(batchId, item);
    await asQuestionsDo(bus);
  }
  expect(await completed(batches, batchId)).toBe(12);
});

test("what has begun is read for the first question and heard from then on, and read again when NATS was away", async () => {
  const batchId = await record(6);
  let reads = 0;
  const bus: Bus = {
    ...(await rig.connectAs("results")),
    read(options) {
      reads += 1;
      return rig.bus.read(options);
    },
  };
  const listeners: ((connected: boolean) => void)[] = [];
  const batches = open({
    ...bus,
    onConnection(listener) {
      listeners.push(listener);
      return () => undefined;
    },
  });
  begin(batchId, 0);
  await vi.waitUntil(async () => (await rig.bus.countSubjects(streams.progress, subjects.progress(batchId, "*"))).size);
  expect(await begun(batches, batchId)).toEqual(["0"]);
  expect(reads).toBe(3);
  for (const item of [1, 2, 3]) {
    begin(batchId, item);
    await rig.bus.flush();
    await asQuestionsDo(bus);
    expect(await begun(batches, batchId)).toContain(String(item));
  }
  expect(reads).toBe(3);
  for (const listener of listeners) listener(true);
  expect(await begun(batches, batchId)).toEqual(["0", "1", "2", "3"]);
  expect(reads).toBe(6);
});

test("nobody waits for whether a batch is still known, and one that is not is told as soon as that is seen", async () => {
  const batchId = await record(2);
  const notebook = openBatchNotebook(rig.bus);
  let looks = 0;
  let answer: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const batches = open(rig.bus, {
    freshMs: 0,
    async find(id) {
      looks += 1;
      if (looks > 1) await held;
      return await notebook.read(id);
    },
  });
  expect(await completed(batches, batchId)).toBe(0);
  await notebook.forget(batchId);
  expect(await completed(batches, batchId)).toBe(0);
  expect(looks).toBe(2);
  answer?.();
  await vi.waitUntil(async () => (await batches.read(batchId)) === undefined);
});

test("a batch that nobody knows leaves nothing behind", async () => {
  const bus = countingListeners();
  const batches = open(bus);
  expect(await batches.read(randomUUID())).toBeUndefined();
  expect(batches.size).toBe(0);
  expect(bus.listening).toBe(0);
});

test("an end that was heard long ago, and stored since, is looked for all the same", async () => {
  const batchId = await record(2);
  const batches = open(rig.bus, { storedMs: 0 });
  expect(await completed(batches, batchId)).toBe(0);
  await end(batchId, 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await completed(batches, batchId)).toBe(1);
});

test("what was not heard is found behind an answer", async () => {
  const batchId = await record(3);
  const deaf: Bus = { ...rig.bus, subscribe: (_, signal) => rig.bus.subscribe("speech.nobody", signal) };
  const batches = open(deaf, { freshMs: 0 });
  expect(await completed(batches, batchId)).toBe(0);
  begin(batchId, 1);
  await end(batchId, 0);
  await vi.waitUntil(async () => (await completed(batches, batchId)) === 1);
  await vi.waitUntil(async () => (await begun(batches, batchId)).includes("1"));
});

test("nothing is listened to when the service stops while a batch is looked for", async () => {
  const stopping = new AbortController();
  const batchId = await record(1);
  const bus = countingListeners();
  const batches = open(bus, {
    signal: stopping.signal,
    async find(id) {
      expect(bus.listening).toBe(2);
      stopping.abort();
      return await openBatchNotebook(rig.bus).read(id);
    },
  });
  await batches.read(batchId);
  expect(bus.listening).toBe(0);
  expect(batches.size).toBe(0);
});
