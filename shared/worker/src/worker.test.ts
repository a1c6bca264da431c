import { setTimeout as pause } from "node:timers/promises";
import { openBatchNotebook } from "@parlance/bus";
import {
  durables,
  headerNames,
  type Lane,
  leaseEntries,
  progressSchema,
  streams,
  subjects,
  workerStateSchema,
} from "@parlance/contracts";
import { thorough } from "@parlance/contracts/testing";
import { describe, expect, test } from "vitest";
import { livingEngines, type Outcome } from "./testing/pipeline.ts";
import { useWorkers } from "./testing/workers.ts";

const rig = useWorkers();
const { start } = rig;

const echoes = (count: number) => Array.from({ length: count }, (_, n) => `echo ${n}`);

const ackedAll = (lane?: Lane) => acked(0, lane);

/** All but so many. */
async function acked(left: number, lane: Lane = "batch"): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const state = await rig.pipeline.bus.consumerState(streams.jobs, durables.worker("transcribe", lane));
    if (state.pending === 0 && state.ackPending === left) return;
    if (Date.now() > deadline) throw new Error(JSON.stringify(state));
    await pause(10);
  }
}

describe("jobs", () => {
  test("waiting in a backlog are run in full passes, each once, and acknowledged", async () => {
    await rig.pipeline.publish("batch", echoes(16));
    const worker = await start();
    const found = await rig.pipeline.done(16);
    expect(found.map(({ text }) => text).sort()).toEqual(echoes(16).sort());
    expect(found.every(({ outcome, passSize }) => outcome === "ok" && passSize === 4)).toBe(true);
    expect(worker.state()).toMatchObject({ loaded: true, passes: 4, segments: 16, model: "scripted" });
    await ackedAll();
    expect(await rig.pipeline.outcomes()).toHaveLength(16);
  });

  test("published together on the interactive lane share a pass", async () => {
    // However long a busy machine takes to store the four: the pass is full when the last is there.
    await start({ settings: { batchWaitMs: 30_000 } });
    await rig.pipeline.publish("interactive", ["echo warm"]);
    await rig.pipeline.done(1);
    rig.pipeline.nextBatch();
    await rig.pipeline.publish("interactive", echoes(4), { together: 4 });
    expect((await rig.pipeline.done(4)).map(({ passSize }) => passSize)).toEqual([4, 4, 4, 4]);
  });

  test("of the realtime lane overtake a backlog, even a pass that is prepared in the engine", async () => {
    await start();
    await rig.pipeline.publish(
      "batch",
      Array.from({ length: 24 }, (_, n) => `sleep 100 ${n}`),
    );
    await rig.pipeline.done(4);
    await rig.pipeline.publish("realtime", ["echo now"], { first: 100 });
    const published = Date.now();
    const all = await rig.pipeline.done(25);
    const realtime = all.find(({ item }) => item === "100");
    expect(realtime?.passSize).toBe(1);
    // The rest of the running pass, and nothing else.
    const before = all.filter(({ finishedAt }) => finishedAt > published && finishedAt < (realtime?.finishedAt ?? 0));
    expect(before.length).toBeLessThanOrEqual(4);
  });

  test("that wait for a loaded and idle worker are begun without waiting for a timer", async () => {
    await start();
    await rig.pipeline.publish("interactive", ["echo warm"]);
    await rig.pipeline.done(1);
    const times: number[] = [];
    for (let n = 1; n <= 20; n += 1) {
      const published = Date.now();
      await rig.pipeline.publish("interactive", ["echo x"], { first: n });
      const found = (await rig.pipeline.done(n + 1)).find(({ item }) => item === String(n));
      times.push((found?.startedAt ?? 0) - published);
      await pause(5);
    }
    times.sort((a, b) => a - b);
    // The shortest timer on the way is a second; the benchmark of the pipeline tells how long it really takes.
    expect(times[10]).toBeLessThan(500);
  });

  test("tell what pass they are in when it begins, and who ran them, and how often they were tried", async () => {
    await rig.pipeline.publish("batch", ["echo a", "echo b", "fail"]);
    const worker = await start();
    const found = await rig.pipeline.done(3);
    const { worker: id, model } = worker.state();
    expect(found.map(({ worker, attempt }) => [worker, attempt])).toEqual(Array(3).fill([id, 1]));
    for (const { item, startedAt } of found) {
      const told = await rig.pipeline.bus.last(streams.progress, subjects.progress(rig.pipeline.batch, item));
      const { at, pass } = progressSchema.parse(JSON.parse(Buffer.from(told?.data ?? "").toString()));
      expect([at, pass]).toEqual([startedAt, { worker: id, model, operation: "transcribe", rows: 3 }]);
    }
  });

  test("that fail by themselves leave their neighbours alone", async () => {
    await rig.pipeline.publish("batch", ["echo a", "fail", "echo b"]);
    await start();
    const found = await rig.pipeline.done(3);
    expect(found.find(({ item }) => item === "1")).toMatchObject({
      outcome: "failed",
      error: { code: "language_unsupported" },
    });
    expect(found.filter(({ outcome }) => outcome === "ok")).toHaveLength(2);
    await ackedAll();
  });

  test("that are no jobs end as failed results and dead letters", async () => {
    await rig.pipeline.publish("batch", ["echo a"], { headers: [["Parlance-Last", "perhaps"]] });
    await rig.pipeline.publish("batch", ["echo b"], { first: 1 });
    await start();
    const found = await rig.pipeline.done(2);
    expect(found.find(({ item }) => item === "0")).toMatchObject({ outcome: "failed", error: { code: "job_invalid" } });
    await ackedAll();
    expect(await rig.pipeline.deadLetters()).toHaveLength(1);
  });

  test("of a cancelled batch are acknowledged without being run", async () => {
    await rig.pipeline.publish(
      "batch",
      Array.from({ length: 48 }, (_, n) => `sleep 150 ${n}`),
    );
    await start();
    await rig.pipeline.done(4);
    await openBatchNotebook(rig.pipeline.bus).cancel(rig.pipeline.batch, Date.now());
    await ackedAll();
    await pause(300);
    // What had ended by then has its result.
    expect((await rig.pipeline.outcomes()).length).toBeLessThanOrEqual(40);
  });

  test("of a cancelled batch stop where they run; those of another batch in the same pass come to their end", async () => {
    const unwanted = rig.pipeline.batch;
    await rig.pipeline.publish("batch", ["steps 1000000 10 a", "steps 1000000 10 b"]);
    rig.pipeline.nextBatch();
    await rig.pipeline.publish("batch", ["steps 100 10 c", "steps 100 10 d"]);
    await start();
    const begun = () =>
      rig.pipeline.bus.last(streams.progress, subjects.progress(unwanted, "0")).catch(() => undefined);
    while ((await begun()) === undefined) await pause(10);
    await openBatchNotebook(rig.pipeline.bus).cancel(unwanted, Date.now());
    const found = await rig.pipeline.done(2);
    expect(found.map(({ text, passSize }) => `${text} of ${passSize}`).sort()).toEqual([
      "steps 100 10 c of 4",
      "steps 100 10 d of 4",
    ]);
    await ackedAll();
    expect(await rig.pipeline.outcomes(unwanted)).toEqual([]);
  });

  test("of a caller who went away leave a full pass within a few of its steps, and the others say what they would have said", async () => {
    const { bus } = rig.pipeline;
    const parts = new AbortController();
    const unwanted = rig.pipeline.batch;
    const begun = bus.subscribe(`speech.part.${unwanted}.>`, parts.signal)[Symbol.asyncIterator]();
    const headers: [string, string][] = [
      [headerNames.submittedAt, String(Date.now())],
      [headerNames.last, "true"],
      [headerNames.parts, "true"],
    ];
    await rig.pipeline.publish("batch", Array(4).fill("steps 1000000 250 nobody waits"), { headers });
    rig.pipeline.nextBatch();
    const wanted = Array.from({ length: 12 }, (_, n) => `steps 12 250 ${n}`);
    await rig.pipeline.publish("batch", wanted);
    // Steps as far apart as a pass may take on a CPU.
    await start({ settings: { maxBatchSize: 16 }, engineOptions: { countSteps: true } });
    await begun.next();
    const cancelledAt = Date.now();
    await openBatchNotebook(bus).cancel(unwanted, cancelledAt);
    const found = await rig.pipeline.done(12);
    parts.abort();
    expect(found.map(({ text, passSize }) => `${text} of ${passSize}`).sort()).toEqual(
      wanted.map((script) => `${script} of 16`).sort(),
    );
    const { left = [], steppedAt = [] } = found[0] ?? {};
    expect(left).toHaveLength(4);
    const stepsSince = steppedAt.slice(0, Math.max(...left)).filter((at) => at > cancelledAt).length;
    expect(stepsSince).toBeGreaterThan(0);
    // Two, as a rule: the one that runs, and the one after which it is looked.
    expect(stepsSince).toBeLessThanOrEqual(8);
    await ackedAll();
    expect(await rig.pipeline.outcomes(unwanted)).toEqual([]);
  });

  test("are acknowledged as they end, while others of their pass still run", async () => {
    await rig.pipeline.publish("batch", ["echo a", "steps 1000000 10 b", "echo c", "fail"]);
    const worker = await start();
    const found = await rig.pipeline.done(3);
    expect(found.map(({ item }) => item).sort()).toEqual(["0", "2", "3"]);
    await acked(1);
    expect(worker.state()).toMatchObject({ passes: 0, segments: 3 });
    await openBatchNotebook(rig.pipeline.bus).cancel(rig.pipeline.batch, Date.now());
    await ackedAll();
    expect(worker.state()).toMatchObject({ passes: 1, segments: 3 });
  });

  test("are never run twice because their acknowledgement was lost", async () => {
    await rig.pipeline.publish("batch", ["echo a"]);
    await rig.pipeline.bus.publishOnce(subjects.result(rig.pipeline.batch, "0", 0), '{"outcome":"ok","text":"before"}');
    const [delivery] = await rig.pipeline.bus.pull({
      stream: streams.jobs,
      durable: durables.worker("transcribe", "batch"),
      max: 1,
      waitMs: 1_000,
    });
    delivery?.nak(0);
    const worker = await start();
    await ackedAll();
    expect(worker.state().passes).toBe(0);
  });
});

describe("jobs that were given back", () => {
  const takeAll = (waitMs: number) =>
    rig.pipeline.bus.pull({ stream: streams.jobs, durable: durables.worker("transcribe", "batch"), max: 8, waitMs });

  test("more often than MAX_DELIVERIES are run as if they came for the first time", async () => {
    await rig.pipeline.publish("batch", echoes(8));
    for (let times = 0; times < 6; times += 1) {
      const deliveries = await takeAll(1_000);
      expect(deliveries).toHaveLength(8);
      for (const delivery of deliveries) delivery.nak(0);
    }
    await start({ settings: { maxDeliveries: 2 } });
    const found = await rig.pipeline.done(8);
    expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
    await ackedAll();
  });

  test("by a worker that stands by, and by one that is stopped, time after time, are all done", async () => {
    const script = Array.from({ length: 48 }, (_, n) => `sleep 150 ${n}`);
    await rig.pipeline.publish("batch", script);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([1, 2].map(() => start({ settings: { maxDeliveries: 2 } })));
      await rig.pipeline.done(round * 4 + 1);
      await rig.closeAll();
    }
    await start({ settings: { maxDeliveries: 2 } });
    const found = await rig.pipeline.done(48, 30_000);
    expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
    expect(await rig.pipeline.deadLetters()).toEqual([]);
  });
});

describe("the engine", () => {
  test("that an item kills twice is done with it: failed result, dead letter, and its neighbours are done", async () => {
    await rig.pipeline.publish("batch", ["echo a", "crash", "echo b", "echo c", "echo d"]);
    await start();
    const found = await rig.pipeline.done(5);
    expect(found.find(({ item }) => item === "1")).toMatchObject({ error: { code: "engine_failed" } });
    expect(found.filter(({ outcome }) => outcome === "ok")).toHaveLength(4);
    await ackedAll();
    expect(await rig.pipeline.deadLetters()).toEqual([`speech.dead.transcribe-worker.${rig.pipeline.batch}.1.0`]);
  });

  test("that is killed from outside in the middle of a pass is loaded again, and nobody is blamed", async () => {
    await rig.pipeline.publish(
      "batch",
      Array.from({ length: 8 }, (_, n) => `sleep 400 ${n}`),
    );
    const worker = await start();
    const killed: number[] = [];
    while (killed.length < 2) {
      await rig.pipeline.done(killed.length + 1);
      const { loaded, enginePid } = worker.state();
      if (!loaded || enginePid === undefined || killed.includes(enginePid)) continue;
      process.kill(enginePid, "SIGKILL");
      killed.push(enginePid);
    }
    const found = await rig.pipeline.done(8);
    expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
    expect(await rig.pipeline.deadLetters()).toEqual([]);
  });

  test("that runs out of memory gets halves until they fit, and smaller passes from then on", async () => {
    await rig.pipeline.publish("batch", echoes(16));
    await start({ engineOptions: { rows: 3 } });
    const found = await rig.pipeline.done(16);
    expect(found.every(({ outcome, passSize }) => outcome === "ok" && (passSize ?? 9) <= 2)).toBe(true);
  });

  test("that cannot take one item alone fails that item and no other", async () => {
    await rig.pipeline.publish("batch", ["echo a", "oom 0", "echo b"]);
    await start();
    const found = await rig.pipeline.done(3);
    expect(found.find(({ item }) => item === "1")).toMatchObject({ error: { code: "engine_out_of_memory" } });
    expect(found.filter(({ outcome }) => outcome === "ok")).toHaveLength(2);
    expect(await rig.pipeline.deadLetters()).toEqual([]);
  });

  test("that hangs is killed after PASS_TIMEOUT, and the item that it hangs on is convicted", async () => {
    await rig.pipeline.publish("batch", ["echo a", "hang"]);
    await start({ settings: { passTimeoutMs: 300 } });
    const found = await rig.pipeline.done(2);
    expect(found.find(({ item }) => item === "1")).toMatchObject({ error: { code: "engine_failed" } });
    expect(found.find(({ item }) => item === "0")).toMatchObject({ outcome: "ok" });
  });

  test("is unloaded when nothing was to do for IDLE_TIMEOUT, gives the lease back, and comes again with the next job", async () => {
    const worker = await start({ settings: { idleMs: 200 } });
    expect(livingEngines()).toEqual([]);
    await rig.pipeline.publish("batch", ["echo a"]);
    await rig.pipeline.done(1);
    expect(livingEngines()).toHaveLength(1);
    await pause(600);
    expect(livingEngines()).toEqual([]);
    expect(worker.state()).toMatchObject({ loaded: false, enginePid: undefined });
    expect(await rig.pipeline.bus.bucket(leaseEntries.holder).keys(">")).toEqual([]);
    await rig.pipeline.publish("batch", ["echo b"], { first: 1 });
    await rig.pipeline.done(2);
  });

  test("is unloaded after an IDLE_TIMEOUT longer than LEASE_TTL, through all the renewals of its lease", async () => {
    const worker = await start({ settings: { idleMs: 6_000 } });
    await rig.pipeline.publish("batch", ["echo a"]);
    await rig.pipeline.done(1);
    expect(worker.state().loaded).toBe(true);
    await pause(4_500);
    expect(livingEngines()).toHaveLength(1);
    await pause(4_000);
    expect(livingEngines()).toEqual([]);
    expect(worker.state()).toMatchObject({ loaded: false, enginePid: undefined });
  });

  test("that cannot be loaded is tried again, and the jobs wait", async () => {
    await rig.pipeline.publish("batch", ["echo a"]);
    const worker = await start({ engineOptions: { loadFails: true } });
    await pause(1_500);
    expect(worker.state().loaded).toBe(false);
    expect(await rig.pipeline.outcomes()).toEqual([]);
    await rig.close();
    await start();
    await rig.pipeline.done(1);
  });
});

describe("workers", () => {
  test("of one family take turns on one device: one works, the other one stands by and takes over", async () => {
    await rig.pipeline.publish("batch", ["echo a"]);
    const [first, second] = [await start(), await start()];
    await rig.pipeline.done(1);
    const working = first.state().loaded ? first : second;
    await rig.pipeline.publish("batch", echoes(20), { first: 1 });
    await rig.pipeline.done(21);
    expect(livingEngines()).toHaveLength(1);
    expect(working.state().segments).toBe(21);
    const index = working === first ? 0 : 1;
    await rig.close(index);
    await rig.pipeline.publish("batch", ["echo z"], { first: 100 });
    await rig.pipeline.done(22);
  });

  test("of two families swap by quantum while both have a backlog, and never have two engines", async () => {
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, livingEngines().length);
    }, 20);
    const script = Array.from({ length: 40 }, (_, n) => `sleep 100 ${n}`);
    await rig.pipeline.publish("batch", script);
    await rig.pipeline.publish("batch", script, { first: 100, operation: "custom_voice" });
    const asr = await start({ settings: { quantumMs: 300 } });
    await start({ settings: { quantumMs: 300 }, family: "tts", operations: ["custom_voice"] });
    const found = await rig.pipeline.done(80);
    const { count = 0, recent = [] } = asr.state().swaps ?? {};
    expect(count).toBeGreaterThan(0);
    expect(recent).toHaveLength(count);
    for (const { seconds, startSeconds, checkSeconds, loadSeconds, warmUpSeconds } of recent) {
      expect(startSeconds).toBeGreaterThan(0);
      expect(startSeconds + checkSeconds + loadSeconds + warmUpSeconds).toBeCloseTo(seconds, 2);
    }
    // Each but the newest was unloaded before the next one began.
    for (const [index, { at, seconds }] of recent.slice(1).entries()) {
      const before = recent[index];
      expect(before?.until).toBeGreaterThanOrEqual(before?.at ?? 0);
      expect(before?.until).toBeLessThanOrEqual(at - seconds * 1_000 + 50);
    }
    clearInterval(watch);
    expect(most).toBe(1);
    expect(new Set(found.map(({ model }) => model)).size).toBe(2);
  });

  test("of another family get in at once when somebody waits for them, and let go again", async () => {
    const script = Array.from({ length: 80 }, (_, n) => `sleep 100 ${n}`);
    await rig.pipeline.publish("batch", script);
    await start();
    await start({ family: "tts", operations: ["custom_voice"] });
    await rig.pipeline.done(4);
    await rig.pipeline.publish("interactive", ["echo urgent"], { first: 100, operation: "custom_voice" });
    const found = (await rig.pipeline.done(81)).sort((a, b) => a.finishedAt - b.finishedAt);
    const urgent = found.findIndex(({ text }) => text === "echo urgent");
    // Not behind the backlog, and the backlog went on behind it.
    expect(urgent).toBeLessThan(60);
    expect(urgent).toBeGreaterThan(3);
  });

  // A turn is ten swaps long, and where the machine is busy an engine's start takes seconds.
  test("to which requests of both families keep coming starve neither the requests nor a backlog", {
    timeout: 240_000,
  }, async () => {
    const lanesOfBoth = [
      { first: 0, operation: "transcribe" },
      { first: 1_000, operation: "custom_voice" },
      { first: 2_000, operation: "transcribe" },
      { first: 3_000, operation: "custom_voice" },
    ] as const;
    const [asrBacklog, ttsBacklog, ...requests] = lanesOfBoth;
    const backlog = Array.from({ length: 400 }, (_, n) => `sleep 20 ${n}`);
    // Passes of four.
    const some = thorough ? 12 : 8;
    await rig.pipeline.publish("batch", backlog, asrBacklog);
    await rig.pipeline.publish("batch", backlog, ttsBacklog);
    await start();
    await start({ family: "tts", operations: ["custom_voice"] });
    const enough = (found: Outcome[]) =>
      lanesOfBoth.every(
        ({ first }) => found.filter(({ item }) => Number(item) >= first && Number(item) < first + 1_000).length > some,
      );
    for (let n = 0; !enough(await rig.pipeline.outcomes()); n += 1) {
      for (const { first, operation } of requests) {
        await rig.pipeline.publish("interactive", ["echo now"], { first: first + n, operation });
      }
      await pause(250);
    }
  });

  test("answer for what they have loaded", async () => {
    await start();
    const [answer] = await rig.pipeline.bus.requestMany(subjects.workers, "", 300);
    const state = workerStateSchema.parse(JSON.parse(new TextDecoder().decode(answer)));
    expect(state).toMatchObject({ family: "asr", loaded: false, passes: 0 });
  });

  test("that are asked to stop give back what they have not begun, at once", async () => {
    await rig.pipeline.publish(
      "batch",
      Array.from({ length: 32 }, (_, n) => `sleep 100 ${n}`),
    );
    await start();
    await rig.pipeline.done(1);
    const began = performance.now();
    await rig.close();
    expect(performance.now() - began).toBeLessThan(6_000);
    const { length } = await rig.pipeline.outcomes();
    expect(length).toBeLessThan(32);
    // Nobody waits for an ack timer: the next worker has them at once.
    await start();
    await rig.pipeline.done(32, 12_000);
  });
});
