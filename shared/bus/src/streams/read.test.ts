import { jetstreamManager } from "@nats-io/jetstream";
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";
import type { ReadOptions } from "./messages.ts";

describe.each(await testServers())("read on $version", ({ binary }) => {
  let server: TestServer;
  let bus: Bus;
  beforeAll(async () => {
    server = await startTestServer({ binary });
    bus = await connectBus({ name: "test", ...server.as() });
    for (let n = 0; n < 40; n++) {
      await bus.publishOnce(`speech.result.b.${n % 2}.${n}`, `${n}`, {
        headers: [["Parlance-Last", String(n === 39)]],
      });
    }
  });
  afterAll(async () => {
    await bus.close();
    await server.stop();
  });

  const texts = async (options: Omit<ReadOptions, "stream">) => {
    const found: string[] = [];
    for await (const message of bus.read({ stream: "RESULTS", ...options })) {
      found.push(new TextDecoder().decode(message.data));
    }
    return found;
  };

  it("brings everything of a subject in order and ends", async () => {
    const all = await texts({ subject: "speech.result.b.>" });
    expect(all).toEqual(Array.from({ length: 40 }, (_, n) => `${n}`));
    expect(await texts({ subject: "speech.result.b.1.*" })).toHaveLength(20);
  });

  it("makes no consumer, however much is read", async () => {
    const jsm = await jetstreamManager(bus.connection);
    const before = (await jsm.streams.info("RESULTS")).state.consumer_count;
    const reads = Array.from({ length: 100 }, (_, n) =>
      texts({ subject: "speech.result.b.>", lastPerSubject: n % 2 === 0, headersOnly: n % 3 === 0 }),
    );
    let most = 0;
    const counting = setInterval(async () => {
      most = Math.max(most, (await jsm.streams.info("RESULTS")).state.consumer_count);
    }, 5);
    expect((await Promise.all(reads)).every((read) => read.length === 40)).toBe(true);
    clearInterval(counting);
    expect(Math.max(most, (await jsm.streams.info("RESULTS")).state.consumer_count)).toBe(before);
  });

  describe("that there is none under any of many subjects is told in one question", () => {
    const many = Array.from({ length: 1_100 }, (_, n) => `speech.result.many.0.${n}`);
    // How the stream is kept is known from then on.
    beforeAll(async () => {
      await bus.streamState("RESULTS");
      await Promise.all(many.map((subject) => bus.publishOnce(subject, "")));
    });
    afterAll(() => bus.purgeSubject("RESULTS", "speech.result.many.>"));

    it.each([
      ["nothing of the kind", ["speech.result.none.>", "speech.done.none.*"], true],
      ["one of them", ["speech.result.none.>", "speech.result.b.1.7"], false],
      ["many under one", ["speech.result.b.>"], false],
      ["more than a server tells together", ["speech.result.many.>"], false],
    ])("%s", async (_, subjects, expected) => {
      const can = (bus.connection.info?.api_lvl ?? 0) >= 1;
      expect(await bus.hasNone("RESULTS", subjects)).toBe(can && expected);
    });

    it("a stream that is not there, or a server that is away, cannot tell", async () => {
      expect(await bus.hasNone("NOWHERE", ["a"])).toBe(false);
    });
  });

  it("messages of 1 MB come a few at a time, and all of them", async () => {
    for (let n = 0; n < 12; n++)
      await bus.publishOnce(`speech.job.transcribe.batch.big.0.${n}`, new Uint8Array(960_000));
    let bytes = 0;
    for await (const { data } of bus.read({ stream: "JOBS", subject: "speech.job.*.*.big.>" }))
      bytes += data.byteLength;
    expect(bytes).toBe(12 * 960_000);
  });

  it("takes the newest of more subjects than one request may name, with several messages each", async () => {
    for (let n = 0; n < 2_400; n++) bus.publish(`speech.progress.many.${n % 1_200}`, `${n}`);
    await bus.flush();
    await expect.poll(async () => (await bus.streamState("PROGRESS")).messages).toBeGreaterThanOrEqual(2_400);
    const newest: number[] = [];
    for await (const { data } of bus.read({
      stream: "PROGRESS",
      subject: "speech.progress.many.*",
      lastPerSubject: true,
    })) {
      newest.push(Number(new TextDecoder().decode(data)));
    }
    expect(newest).toEqual(Array.from({ length: 1_200 }, (_, n) => 1_200 + n));
  });

  it("ends at once where nothing matches", async () => {
    const began = performance.now();
    expect(await texts({ subject: "speech.result.nobody.>" })).toEqual([]);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it("starts where it is told, leaves payloads out, and keeps headers", async () => {
    const third = await bus.last("RESULTS", "speech.result.b.0.38");
    expect(await texts({ subject: "speech.result.b.>", fromSeq: third?.seq ?? 0 })).toEqual(["38", "39"]);
    for await (const message of bus.read({ stream: "RESULTS", subject: "speech.result.b.1.39", headersOnly: true })) {
      expect(message.data.byteLength).toBe(0);
      expect(message.headers.get("Parlance-Last")).toBe("true");
    }
  });

  it("finds the first message of a subject from a sequence or a time on", async () => {
    const first = async (subject: string, from: Parameters<Bus["first"]>[2]) => {
      const found = await bus.first("RESULTS", subject, from);
      return found && new TextDecoder().decode(found.data);
    };
    const [zero, last] = [
      await bus.last("RESULTS", "speech.result.b.0.0"),
      await bus.last("RESULTS", "speech.result.b.*.*"),
    ];
    expect(await first("speech.result.b.>", { seq: (zero?.seq ?? 0) + 1 })).toBe("1");
    expect(await first("speech.result.b.1.*", { seq: 1 })).toBe("1");
    expect(await first("speech.result.b.>", { seq: 1_000_000 })).toBeUndefined();
    for (const n of [0, 7, 39]) {
      const at = (await bus.last("RESULTS", `speech.result.b.*.${n}`))?.time ?? 0;
      const found = await bus.first("RESULTS", "speech.result.b.>", { time: new Date(at) });
      expect(found?.time).toBe(at);
      expect(Number(new TextDecoder().decode(found?.data))).toBeLessThanOrEqual(n);
    }
    expect(await first("speech.result.b.>", { time: new Date(0) })).toBe("0");
    expect(await first("speech.result.b.>", { time: new Date((last?.time ?? 0) + 60_000) })).toBeUndefined();
  });

  it("takes only the newest of each subject", async () => {
    await bus.publishOnce("speech.done.c.0", "old");
    await bus.publishOnce("speech.done.c.1", "one");
    await bus.publishOnce("speech.done.c.0", "new");
    expect(await texts({ subject: "speech.done.c.*", lastPerSubject: true })).toEqual(["one", "new"]);
    expect([...(await bus.countSubjects("RESULTS", "speech.done.c.*"))]).toEqual([
      ["speech.done.c.0", 2],
      ["speech.done.c.1", 1],
    ]);
  });

  it("a reader in the middle of a stream goes on where it was when the server is killed", async () => {
    const found: string[] = [];
    for await (const message of bus.read({ stream: "RESULTS", subject: "speech.result.b.>" })) {
      found.push(new TextDecoder().decode(message.data));
      if (found.length === 10) {
        await server.kill();
        await server.restart();
      }
    }
    expect(found).toEqual(Array.from({ length: 40 }, (_, n) => `${n}`));
  });

  it("a signal ends it with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const reading = async () => {
      for await (const _ of bus.read({ stream: "RESULTS", subject: "speech.result.b.>", signal: controller.signal })) {
        controller.abort(reason);
      }
    };
    await expect(reading()).rejects.toBe(reason);
  });

  it("a missing message, subject and stream are told apart", async () => {
    expect(await bus.last("RESULTS", "speech.done.nobody.0")).toBeUndefined();
    expect(await bus.message("RESULTS", 1_000_000)).toBeUndefined();
    await expect(bus.last("NOSUCH", "x")).rejects.toMatchObject({ code: "internal" });
  });
});
