import { SpeechError } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";

const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

describe("requests and live subscriptions", () => {
  let server: TestServer;
  let bus: Bus;
  let other: Bus;
  const over = new AbortController();
  beforeAll(async () => {
    server = await startTestServer({ topology: false });
    bus = await connectBus({ name: "test", ...server.as() });
    other = await connectBus({ name: "other", ...server.as() });
  });
  afterAll(async () => {
    over.abort();
    await Promise.all([bus.close(), other.close()]);
    await server.stop();
  });

  it("one member of a group answers a request", async () => {
    let asked = 0;
    for (const member of [bus, other]) {
      member.serve(
        "speech.status.*",
        "results",
        async (request) => {
          asked++;
          request.respond(`status of ${request.subject} for ${text(request.data)}`);
        },
        over.signal,
      );
    }
    await Promise.all([bus.flush(), other.flush()]);
    expect(text(await bus.request("speech.status.b", "me", 1_000))).toBe("status of speech.status.b for me");
    expect(asked).toBe(1);
  });

  it("a handler that throws answers with the error's body", async () => {
    bus.serve("speech.bad", undefined, () => Promise.reject(new SpeechError("batch_not_found")), over.signal);
    await bus.flush();
    expect(JSON.parse(text(await other.request("speech.bad", "", 1_000)))).toMatchObject({
      error: { code: "batch_not_found" },
    });
  });

  it("nobody's answer is undefined, at once", async () => {
    const began = performance.now();
    expect(await bus.request("speech.nobody", "", 2_000)).toBeUndefined();
    expect(await bus.requestMany("speech.nobody", "", 200)).toEqual([]);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("everybody's answers are collected", async () => {
    for (const worker of [bus, other]) {
      worker.serve("speech.workers", undefined, async (request) => request.respond("here"), over.signal);
    }
    await Promise.all([bus.flush(), other.flush()]);
    expect((await bus.requestMany("speech.workers", "", 200)).map(text)).toEqual(["here", "here"]);
  });

  it("a subscription sees what is published after it was made, and ends with its signal", async () => {
    const controller = new AbortController();
    const messages = bus.subscribe("speech.progress.>", controller.signal);
    await bus.flush();
    other.publish("speech.progress.b.0", "running", [["Parlance-Custom-Id", "x"]]);
    const seen: string[] = [];
    for await (const message of messages) {
      seen.push(`${message.subject} ${text(message.data)} ${message.headers.get("Parlance-Custom-Id")}`);
      controller.abort();
    }
    expect(seen).toEqual(["speech.progress.b.0 running x"]);
  });

  it("tells of every loss and return of the connection", async () => {
    const seen: boolean[] = [];
    const stop = bus.onConnection((connected) => seen.push(connected));
    await server.kill();
    await server.restart();
    await expect.poll(() => seen, { timeout: 5_000 }).toEqual([false, true]);
    stop();
  });
});

describe("connectBus", () => {
  it("says in one sentence that nobody is there", async () => {
    const failed = connectBus({ url: "nats://127.0.0.1:1", name: "test", connectTimeoutMs: 100 });
    await expect(failed).rejects.toMatchObject({ code: "bus_unavailable" });
    await expect(failed).rejects.toThrow(/^NATS at nats:\/\/127.0.0.1:1 cannot be reached: [^\n]+\.$/);
  });

  it("refuses a wrong password at once, and waits for a server that starts late", async () => {
    await using server = await startTestServer({ secured: true, topology: false });
    const wrong = connectBus({ url: server.url, name: "test", user: "gateway", password: "guess" });
    await expect(wrong).rejects.toMatchObject({ code: "unauthorized" });
    await server.kill();
    const waiting = connectBus({ name: "test", ...server.as("gateway"), connectTimeoutMs: 10_000 });
    await server.restart();
    const bus = await waiting;
    expect(bus.connected).toBe(true);
    await bus.close();
    expect(bus.connected).toBe(false);
    await expect(bus.publishOnce("speech.intake.a.b", "x")).rejects.toMatchObject({ code: "bus_unavailable" });
  });
});
