/** Workers that die, hang and freeze: each in a process of its own, on a real server, engines counted by the process table. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { loneEnd } from "@parlance/bus";
import { bucketStream } from "@parlance/bus/testing";
import {
  type BatchRecord,
  buckets,
  durables,
  leaseEntries,
  streams,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { livingEngines, type Pipeline, parentOf, startPipeline } from "./testing/pipeline.ts";

const LEASE_TTL = 2;
let pipeline: Pipeline;
const processes = new Set<ChildProcess>();

beforeAll(async () => {
  pipeline = await startPipeline({ settings: { LEASE_TTL } });
});
afterEach(async () => {
  for (const child of processes) {
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  processes.clear();
  await happens(() => livingEngines().length === 0);
  pipeline.nextBatch();
});
afterAll(async () => await pipeline.stop());

async function startWorker(id: string, maxDeliveries = 5): Promise<ChildProcess> {
  const program = fileURLToPath(new URL("./testing/scripted-worker.ts", import.meta.url));
  const child = spawn(process.execPath, [program, id, pipeline.server.url, String(LEASE_TTL), String(maxDeliveries)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.add(child);
  if (child.stdout) await once(child.stdout, "data");
  return child;
}

async function happens(check: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error("it did not happen in time");
    await pause(5);
  }
}

/** How often an engine began with the item. */
async function begun(item: string): Promise<number> {
  const subject = subjects.progress(pipeline.batch, item);
  let times = 0;
  for await (const _ of pipeline.bus.read({ stream: streams.progress, subject })) times += 1;
  return times;
}

/** Most engines alive at one moment while `during` runs. */
async function enginesDuring(during: () => Promise<unknown>): Promise<number> {
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, livingEngines().length);
  }, 10);
  try {
    await during();
  } finally {
    clearInterval(watch);
  }
  return most;
}

const script = (count: number) => Array.from({ length: count }, (_, n) => `sleep 100 ${n}`);

test("a supervisor killed in the middle of a pass takes its engine along; another worker finishes, one result each", {
  timeout: 60_000,
}, async () => {
  await pipeline.publish("batch", script(24));
  const first = await startWorker("first");
  await pipeline.done(1);
  const most = await enginesDuring(async () => {
    first.kill("SIGKILL");
    await once(first, "exit");
    const died = performance.now();
    await happens(() => livingEngines().length === 0, 30_000);
    // By its pipe, and not by its deadline, of which a renewal leaves two thirds at least.
    expect(performance.now() - died).toBeLessThan((LEASE_TTL * 2_000) / 3);
    await startWorker("second");
    await pipeline.done(24, 45_000);
  });
  expect(most).toBe(1);
  const found = await pipeline.outcomes();
  expect(found).toHaveLength(24);
  expect(new Set(found.map(({ item }) => item)).size).toBe(24);
  expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
  expect(new Set(found.map(({ model }) => model))).toEqual(new Set(["first", "second"]));
});

test("a supervisor killed at the moment when the end of a batch is stored, again and again: each batch has one end, and nothing else", {
  timeout: 60_000,
}, async () => {
  const { bus } = pipeline;
  const batches = Array.from({ length: 24 }, (_, n) => `lone${n}`);
  for (const batchId of batches) {
    const items = [{ itemId: "0", operation: "transcribe" as const }];
    const batch: BatchRecord = { batchId, label: "", lane: "batch", acceptedAt: 1, items };
    await bus.publishOnce(subjects.job("transcribe", "batch", batchId, "0", 0), `sleep 20 ${batchId}`, {
      headers: writeHeaders({ submittedAt: Date.now(), last: true, batch }),
    });
  }
  const listening = new AbortController();
  const ends = new Set<string>();
  let kill: (() => void) | undefined;
  const watching = (async () => {
    for await (const { subject } of bus.subscribe("speech.done.>", listening.signal)) {
      ends.add(subject);
      kill?.();
      kill = undefined;
    }
  })();
  await bus.flush();
  for (let round = 0; round < 3; round += 1) {
    const worker = await startWorker(`worker${round}`);
    const gone = once(worker, "exit");
    kill = () => worker.kill("SIGKILL");
    await gone;
    await happens(() => livingEngines().length === 0, 30_000);
  }
  expect(ends.size).toBeLessThan(batches.length);
  await startWorker("last");
  await happens(() => ends.size === batches.length, 45_000);
  const lane = durables.worker("transcribe", "batch");
  await happens(async () => {
    const { pending, ackPending } = await bus.consumerState(streams.jobs, lane);
    return pending + ackPending === 0;
  }, 30_000);
  listening.abort();
  await watching;
  const results = [...(await bus.countSubjects(streams.results, "speech.result.>")).keys()];
  expect(results.filter((subject) => subject.startsWith("speech.result.lone"))).toEqual([]);
  const stored = await bus.countSubjects(streams.results, "speech.done.>");
  expect(stored).toEqual(new Map(batches.map((batchId) => [subjects.done(batchId, "0"), 1])));
  for (const batchId of batches) expect((await loneEnd(bus, batchId))?.record.batchId).toBe(batchId);
});

test("a job that takes its worker along is delivered again MAX_DELIVERIES times; what was in its pass is done", {
  timeout: 60_000,
}, async () => {
  await pipeline.publish("batch", ["hang", "echo a", "echo b", "echo c"]);
  const ended = async () => (await pipeline.outcomes()).some(({ item }) => item === "0");
  let tries = 0;
  for (;;) {
    const worker = await startWorker(`worker${tries}`, 2);
    await happens(async () => (await begun("0")) > tries || (await ended()), 15_000);
    if (await ended()) break;
    tries = await begun("0");
    // What it notes of that is on its way.
    await pause(500);
    worker.kill("SIGKILL");
    await once(worker, "exit");
  }
  // The first delivery is not noted; it may also have gone to a worker of before that was dead already.
  expect([2, 3]).toContain(tries);
  const found = await pipeline.done(4);
  expect(found.find(({ item }) => item === "0")).toMatchObject({ outcome: "failed", error: { code: "engine_failed" } });
  expect(found.filter(({ outcome }) => outcome === "ok")).toHaveLength(3);
  expect(await pipeline.deadLetters()).toHaveLength(1);
});

test("a supervisor stopped past its lease: its engine dies by itself before the other worker's starts, and its late writes change nothing", {
  timeout: 60_000,
}, async () => {
  const workers = [await startWorker("first"), await startWorker("second")];
  await pipeline.publish("batch", script(40));
  await pipeline.done(1);
  const [frozen = 0] = livingEngines();
  const holder = workers.find(({ pid }) => pid === parentOf(frozen));
  if (holder === undefined) throw new Error("nobody holds the lease");
  const most = await enginesDuring(async () => {
    holder.kill("SIGSTOP");
    await happens(() => livingEngines().some((pid) => pid !== frozen), 20_000);
    expect(livingEngines()).not.toContain(frozen);
    await pause(500);
    holder.kill("SIGCONT");
    await pipeline.done(40, 45_000);
    await pause(500);
  });
  expect(most).toBe(1);
  const found = await pipeline.outcomes();
  expect(found).toHaveLength(40);
  expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
  expect(new Set(found.map(({ model }) => model)).size).toBe(2);
});

test("supervisor and engine stopped past the lease: the engine, which cannot die by itself, is ended before its follower's starts", {
  timeout: 60_000,
}, async () => {
  const workers = [await startWorker("first"), await startWorker("second")];
  await pipeline.publish("batch", script(40));
  await pipeline.done(1);
  const [frozen = 0] = livingEngines();
  const holder = workers.find(({ pid }) => pid === parentOf(frozen));
  if (holder === undefined) throw new Error("nobody holds the lease");
  const most = await enginesDuring(async () => {
    holder.kill("SIGSTOP");
    process.kill(frozen, "SIGSTOP");
    await happens(() => livingEngines().some((pid) => pid !== frozen), 20_000);
    expect(livingEngines()).not.toContain(frozen);
    await pause(500);
    holder.kill("SIGCONT");
    await pipeline.done(40, 45_000);
  });
  expect(most).toBe(1);
  expect((await pipeline.outcomes()).every(({ outcome }) => outcome === "ok")).toBe(true);
});

test("an engine stopped alone, past what would have been its deadline: its supervisor keeps the lease, and nobody's starts beside it", {
  timeout: 60_000,
}, async () => {
  await startWorker("first");
  await startWorker("second");
  await pipeline.publish("batch", script(40));
  await pipeline.done(1);
  const [frozen = 0] = livingEngines();
  const most = await enginesDuring(async () => {
    process.kill(frozen, "SIGSTOP");
    await pause(LEASE_TTL * 2_000);
    expect(livingEngines()).toEqual([frozen]);
    process.kill(frozen, "SIGCONT");
    await pipeline.done(40, 45_000);
  });
  expect(most).toBe(1);
  expect((await pipeline.outcomes()).every(({ outcome }) => outcome === "ok")).toBe(true);
});

test("the lease's key vanishes in the middle of a pass, as a server's clock that jumps makes keys do that expire: never two engines", {
  timeout: 60_000,
}, async () => {
  await startWorker("first");
  await startWorker("second");
  await pipeline.publish("batch", script(40));
  await pipeline.done(1);
  const most = await enginesDuring(async () => {
    const lease = await pipeline.bus.bucket(leaseEntries.holder).get("cpu-test");
    await pipeline.bus.deleteMessage(bucketStream(buckets.lease), lease?.revision ?? 0);
    await pipeline.done(40, 45_000);
  });
  expect(most).toBe(1);
  expect((await pipeline.outcomes()).every(({ outcome }) => outcome === "ok")).toBe(true);
});

test("NATS away for five seconds in the middle of a backlog: everything is done, once", {
  timeout: 60_000,
}, async () => {
  await pipeline.publish("batch", script(40));
  await startWorker("only");
  await pipeline.done(4);
  const most = await enginesDuring(async () => {
    await pipeline.server.kill();
    await pause(5_000);
    await pipeline.server.restart();
    await pipeline.done(40, 45_000);
  });
  expect(most).toBe(1);
  const found = await pipeline.outcomes();
  expect(found).toHaveLength(40);
  expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
});
