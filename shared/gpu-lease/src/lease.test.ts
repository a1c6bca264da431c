import { setTimeout as pause } from "node:timers/promises";
import { type Bus, connectBus } from "@parlance/bus";
import { bucketStream, changeStream } from "@parlance/bus/testing";
import { buckets, type Family, leaseEntries } from "@parlance/contracts";
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { monotonicClock } from "./clock.ts";
import { createLease } from "./lease.ts";

const quiet = { info() {}, warn() {}, debug() {} };
const TTL = 2;
const ttlMs = TTL * 1_000;

describe.each(await testServers())("the lease on nats-server $version", ({ binary }) => {
  let server: TestServer;
  const open: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startTestServer({ binary });
  });
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });
  afterAll(async () => await server.stop());

  /** Without a word to anybody. */
  async function removeKey(accelerator: string) {
    const bus = await connectBus({ name: "hand", ...server.as() });
    const entry = await bus.bucket(leaseEntries.holder).get(accelerator);
    await bus.deleteMessage(bucketStream(buckets.lease), entry?.revision ?? 0);
    expect(await bus.bucket(leaseEntries.holder).has(accelerator)).toBe(false);
    await bus.close();
  }

  /** By the server itself, which finds it too old: what a server does to keys that expire when its clock jumps. */
  async function letExpire(accelerator: string) {
    const bus = await connectBus({ name: "clock", ...server.as() });
    const stream = bucketStream(buckets.lease);
    const before = await changeStream(bus, stream, { max_age: 100e6, duplicate_window: 100e6 });
    while (await bus.bucket(leaseEntries.holder).has(accelerator)) await pause(5);
    await changeStream(bus, stream, before);
    await bus.close();
  }

  async function contender(id: string, family: Family = "asr", ownBus?: Bus, ownTtlMs = ttlMs) {
    const bus = ownBus ?? (await connectBus({ name: id, ...server.as("transcribe-worker") }));
    const told = { lost: [] as string[], deadlines: [] as number[] };
    const lease = await createLease({
      bus,
      accelerator: "GPU-a",
      holder: { id, family, model: "a", host: "h", pid: 1 },
      ttlMs: ownTtlMs,
      onLost: async (reason) => void told.lost.push(reason),
      onExtended: (deadline) => void told.deadlines.push(deadline),
      onChange: () => {},
      log: quiet,
    });
    let closed = false;
    const close = async () => {
      if (closed) return;
      closed = true;
      await lease.close();
      await bus.close();
    };
    open.push(close);
    return { lease, bus, told, close };
  }
  const now = { lane: "batch", since: 0, signal: new AbortController().signal } as const;
  /** What a test that fails leaves behind is rejected when its lease is closed: by then nobody waits for it. */
  const left = (acquired: Promise<void>) => {
    acquired.catch(() => undefined);
    return acquired;
  };
  const until = async (check: () => boolean) => {
    const deadline = Date.now() + 8_000;
    while (!check() && Date.now() < deadline) await pause(5);
    expect(check()).toBe(true);
  };

  test("one holds, the other gets it within milliseconds of the release", async () => {
    const a = await contender("a");
    const b = await contender("b");
    await a.lease.acquire(now);
    expect(a.lease.held).toBe(true);
    let got = 0;
    const second = b.lease.acquire(now).then(() => {
      got = performance.now();
    });
    await until(() => b.lease.state === "waiting" && b.lease.holder()?.holder === "a");
    expect(b.lease.held).toBe(false);
    const released = performance.now();
    await a.lease.release();
    await second;
    expect(got - released).toBeLessThan(300);
    expect(a.lease.held).toBe(false);
  });

  test("it is renewed for as long as it is held, always with time to spare", async () => {
    const a = await contender("a");
    await a.lease.acquire(now);
    await pause(TTL * 1_500);
    expect(a.lease.held).toBe(true);
    expect(a.told.deadlines.length).toBeGreaterThanOrEqual(3);
    expect(a.told.deadlines.at(-1)).toBeGreaterThan(monotonicClock.now());
    expect(a.told.lost).toEqual([]);
  });

  test("a waiter of another family is seen with its urgency, and no longer once it has the lease", async () => {
    const a = await contender("a", "asr");
    const b = await contender("b", "tts");
    await a.lease.acquire(now);
    const second = left(b.lease.acquire({ ...now, since: 5 }));
    await until(() => a.lease.waiting()[0]?.wanted.lane === "batch");
    b.lease.urge("interactive", 7);
    await until(() => a.lease.waiting()[0]?.wanted.lane === "interactive");
    expect(a.lease.waiting()).toEqual([
      { family: "tts", wanted: { holder: "b", lane: "interactive", since: 7, ttlMs } },
    ]);
    await a.lease.release();
    // Who yields is polite: it waits for the other to take it, and then for its turn.
    const third = left(a.lease.acquire({ ...now, politeMs: 1_000 }));
    await second;
    await until(() => a.lease.waiting().length === 0 && b.lease.waiting().length === 1);
    expect(a.lease.held).toBe(false);
    await b.lease.release();
    await third;
    expect(a.lease.held).toBe(true);
  });

  test("who asks again while what he gave up is taken back has it next", async () => {
    const bus = await connectBus({ name: "slow", ...server.as("transcribe-worker") });
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const slow: Bus["bucket"] = (definition) => {
      const bucket = bus.bucket(definition);
      return {
        ...bucket,
        async create(...entry) {
          const created = await bucket.create(...entry);
          await held;
          return created;
        },
      };
    };
    const { lease } = await contender("a", "asr", { ...bus, bucket: slow });
    const over = new AbortController();
    const first = lease.acquire({ ...now, signal: over.signal });
    over.abort(new Error("standby"));
    await expect(first).rejects.toThrow("standby");
    expect(lease.state).toBe("releasing");
    const second = lease.acquire(now);
    answer();
    await second;
    expect(lease.held).toBe(true);
  });

  test("of two waiters of one family the more urgent one is seen, whichever came last, and the other one when it is gone", async () => {
    const a = await contender("a", "asr");
    const b = await contender("b", "tts");
    const c = await contender("c", "tts");
    await a.lease.acquire(now);
    const giveUp = new AbortController();
    const seen = () => a.lease.waiting()[0]?.wanted;
    const second = left(b.lease.acquire({ lane: "interactive", since: 7, signal: giveUp.signal }));
    await until(() => seen()?.holder === "b");
    const third = left(c.lease.acquire({ ...now, since: 5 }));
    await pause(TTL * 1_000);
    await until(() => seen()?.holder === "b");
    expect(seen()).toEqual({ holder: "b", lane: "interactive", since: 7, ttlMs });
    c.lease.urge("interactive", 5);
    await until(() => seen()?.holder === "c");
    c.lease.urge("batch", 5);
    await until(() => seen()?.holder === "b");
    giveUp.abort();
    await expect(second).rejects.toThrow();
    await until(() => seen()?.holder === "c");
    await a.lease.release();
    await third;
  });

  test("who yields to nobody has it back after its politeness", async () => {
    const a = await contender("a");
    await a.lease.acquire(now);
    await a.lease.release();
    const asked = performance.now();
    await a.lease.acquire({ ...now, politeMs: 200 });
    expect(performance.now() - asked).toBeGreaterThan(150);
    expect(a.lease.held).toBe(true);
  });

  test("a holder whose connection dies loses it before its waiter gets it", async () => {
    const a = await contender("a");
    const b = await contender("b");
    await a.lease.acquire(now);
    const deadline = a.lease.deadline() ?? 0;
    await a.bus.connection.close();
    await b.lease.acquire(now);
    const taken = monotonicClock.now();
    expect(a.told.lost).toEqual(["deadline"]);
    expect(taken).toBeGreaterThan(Math.max(deadline, ...a.told.deadlines));
    expect(b.lease.held).toBe(true);
  });

  test.each([
    { how: "removed by a hand", vanish: removeKey },
    { how: "let expire by the server's clock", vanish: letExpire },
  ])(
    "a holder that another one knew is not followed before its own deadline when its key is $how",
    async ({ vanish }) => {
      const a = await contender("a");
      const b = await contender("b");
      await a.lease.acquire(now);
      await until(() => b.lease.holder()?.holder === "a");
      const began = monotonicClock.now();
      await vanish("GPU-a");
      const deadlines = [a.lease.deadline() ?? 0];
      const second = left(b.lease.acquire(now));
      await until(() => a.told.lost.length > 0);
      deadlines.push(...a.told.deadlines);
      // Whether the watch tells it or the next renewal is refused.
      expect(a.told.lost).toEqual(["taken"]);
      await second;
      expect(monotonicClock.now()).toBeGreaterThan(Math.max(...deadlines));
      expect(monotonicClock.now() - began).toBeGreaterThan(ttlMs);
    },
  );

  test("a holder that is dead keeps it for its own time, not for its follower's", async () => {
    const patient = await contender("patient", "asr", undefined, 3 * ttlMs);
    const b = await contender("b");
    await patient.lease.acquire(now);
    const deadline = patient.lease.deadline() ?? 0;
    await patient.bus.connection.close();
    await b.lease.acquire(now);
    expect(monotonicClock.now()).toBeGreaterThan(deadline);
  });

  test("a waiter that gives up leaves nothing behind", async () => {
    const a = await contender("a");
    const b = await contender("b", "tts");
    await a.lease.acquire(now);
    const giveUp = new AbortController();
    const second = left(b.lease.acquire({ ...now, signal: giveUp.signal }));
    await until(() => a.lease.waiting().length === 1);
    giveUp.abort();
    await expect(second).rejects.toThrow();
    await until(() => a.lease.waiting().length === 0);
    await a.lease.release();
    await until(() => a.lease.holder() === undefined);
  });

  test("a server that restarts within the deadline is survived", async () => {
    const a = await contender("a");
    await a.lease.acquire(now);
    await server.restart();
    await pause(TTL * 1_000);
    expect(a.told.lost).toEqual([]);
    expect(a.lease.held).toBe(true);
  });
});
