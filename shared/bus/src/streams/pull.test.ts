import { setTimeout as sleep } from "node:timers/promises";
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";
import type { Delivery } from "./messages.ts";

describe.each(await testServers())("pull on $version", ({ binary }) => {
  let server: TestServer;
  let bus: Bus;
  beforeAll(async () => {
    server = await startTestServer({ binary });
    bus = await connectBus({ name: "test", ...server.as() });
  });
  afterAll(async () => {
    await bus.close();
    await server.stop();
  });

  const publish = async (batchId: string, count: number) => {
    for (let n = 0; n < count; n++) await bus.publishOnce(`speech.job.transcribe.batch.${batchId}.0.${n}`, `${n}`);
  };
  const pull = (max: number, waitMs: number, signal?: AbortSignal) =>
    bus.pull({ stream: "JOBS", durable: "transcribe-batch", max, waitMs, ...(signal ? { signal } : {}) });
  const ackAll = (deliveries: Delivery[]) => Promise.all(deliveries.map((delivery) => delivery.ack()));
  const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const began = performance.now();
    return [await work, performance.now() - began];
  };

  it("takes what is there at once, though it asked for more and would wait", async () => {
    await publish("a", 5);
    const [deliveries, took] = await timed(pull(16, 5_000));
    expect(deliveries.map(({ subject }) => subject.split(".").at(-1))).toEqual(["0", "1", "2", "3", "4"]);
    expect(deliveries.map(({ deliveries: count }) => count)).toEqual([1, 1, 1, 1, 1]);
    expect(deliveries.map(({ pending }) => pending)).toEqual([4, 3, 2, 1, 0]);
    expect(took).toBeLessThan(500);
    await ackAll(deliveries);
  });

  it("takes no more than it asked for", async () => {
    await publish("b", 5);
    const first = await pull(3, 1_000);
    const second = await pull(3, 1_000);
    expect([first.length, second.length]).toEqual([3, 2]);
    await ackAll([...first, ...second]);
  });

  it("waits for the first message and comes back with it", async () => {
    const waiting = timed(pull(16, 5_000));
    await sleep(200);
    await publish("c", 1);
    const [deliveries, took] = await waiting;
    expect(deliveries).toHaveLength(1);
    expect(took).toBeLessThan(1_000);
    await ackAll(deliveries);
  });

  it("comes back empty when the time is over, and at once without a time", async () => {
    const [late, took] = await timed(pull(16, 300));
    expect(late).toEqual([]);
    expect(took).toBeGreaterThan(250);
    expect(took).toBeLessThan(1_500);
    const [now, quick] = await timed(pull(16, 0));
    expect(now).toEqual([]);
    expect(quick).toBeLessThan(500);
  });

  it("an aborted pull comes back at once and loses no message", async () => {
    const controller = new AbortController();
    const waiting = timed(pull(16, 10_000, controller.signal));
    await sleep(100);
    controller.abort();
    const [deliveries, took] = await waiting;
    expect(deliveries).toEqual([]);
    expect(took).toBeLessThan(1_000);
    await publish("d", 2);
    const next = await pull(16, 1_000);
    expect(next.map((delivery) => delivery.deliveries)).toEqual([1, 1]);
    await ackAll(next);
  });

  it("messages that race with an abort are either handed over or stay for the next pull", async () => {
    for (let round = 0; round < 10; round++) {
      const controller = new AbortController();
      const waiting = pull(16, 10_000, controller.signal);
      const publishing = publish(`race${round}`, 1);
      setTimeout(() => controller.abort(), round % 4);
      const taken = await waiting;
      await publishing;
      const rest = taken.length === 1 ? [] : await pull(16, 2_000);
      expect(taken.length + rest.length).toBe(1);
      await ackAll([...taken, ...rest]);
    }
  });

  it("nak brings a message back after its delay, with its number of deliveries", async () => {
    await publish("e", 1);
    const [first] = await pull(1, 1_000);
    first?.nak(300);
    const [again, took] = await timed(pull(1, 5_000));
    expect(again[0]?.deliveries).toBe(2);
    expect(took).toBeGreaterThan(200);
    await ackAll(again);
  });

  it("what was terminated does not come back", async () => {
    await publish("f", 1);
    const [first] = await pull(1, 1_000);
    first?.working();
    first?.term("poison");
    await bus.flush();
    expect(await pull(1, 300)).toEqual([]);
    expect(await bus.consumerState("JOBS", "transcribe-batch")).toMatchObject({ pending: 0, ackPending: 0 });
  });

  it("a pull that waits while the server is killed goes on after its return", async () => {
    const waiting = timed(pull(16, 20_000));
    await sleep(50);
    await server.kill();
    await sleep(200);
    await server.restart();
    await publish("h", 1);
    const [deliveries, took] = await waiting;
    expect(deliveries.map(({ subject }) => subject)).toEqual(["speech.job.transcribe.batch.h.0.0"]);
    expect(took).toBeLessThan(5_000);
    await ackAll(deliveries);
  });

  it("an ack that meets a killed server is taken, or its message comes again", async () => {
    await publish("g", 1);
    const [taken] = await pull(1, 1_000);
    await server.kill();
    const acking = taken?.ack().then(
      () => "taken",
      (error: { code: string }) => error.code,
    );
    await sleep(100);
    await server.restart();
    const outcome = await acking;
    const again = await pull(16, 1_000);
    await ackAll(again);
    if (outcome !== "taken") {
      expect(outcome).toBe("bus_unavailable");
      expect(again.map(({ subject }) => subject)).toContain(taken?.subject);
    }
    expect((await bus.consumerState("JOBS", "transcribe-batch")).pending).toBe(0);
  });

  it("a durable that does not exist is an error once the server has had time to start", async () => {
    await sleep(2_000);
    const missing = bus.pull({ stream: "JOBS", durable: "nobody", max: 1, waitMs: 10_000 });
    await expect(missing).rejects.toMatchObject({ code: "bus_unavailable" });
  });

  it("the floor of an idle lane is the end of the stream, that of a waiting lane lies before its first message", async () => {
    const { lastSeq } = await bus.streamState("JOBS");
    expect((await bus.consumerState("JOBS", "transcribe-realtime")).ackFloor).toBe(lastSeq);
    const { seq } = await bus.publishOnce("speech.job.transcribe.realtime.i.0.0", "x");
    await publish("i", 2);
    expect(await bus.consumerState("JOBS", "transcribe-realtime")).toMatchObject({
      pending: 1,
      ackPending: 0,
      ackFloor: seq - 1,
    });
    expect(await bus.purgeBelow("JOBS", seq)).toBeGreaterThan(0);
    expect((await bus.streamState("JOBS")).firstSeq).toBe(seq);
  });
});
