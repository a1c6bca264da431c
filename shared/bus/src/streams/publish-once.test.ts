import { setTimeout as sleep } from "node:timers/promises";
import { SpeechError } from "@parlance/contracts";
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";

describe.each(await testServers())("publishOnce on $version", ({ binary }) => {
  let server: TestServer;
  let bus: Bus;
  beforeAll(async () => {
    server = await startTestServer({ binary, settings: { INTAKE_MAX_BYTES: 1_048_576 } });
    bus = await connectBus({ name: "test", ...server.as() });
  });
  afterAll(async () => {
    await bus.close();
    await server.stop();
  });

  it("stores one message for two publishes with one id", async () => {
    const first = await bus.publishOnce("speech.job.transcribe.batch.b1.0.0", "audio", { messageId: "b1.0.0" });
    const second = await bus.publishOnce("speech.job.transcribe.batch.b1.0.0", "audio", { messageId: "b1.0.0" });
    expect(first.duplicate).toBe(false);
    expect(second).toEqual({ seq: first.seq, duplicate: true });
  });

  it("lets only the first writer of a subject store", async () => {
    const first = await bus.publishOnce("speech.result.b1.0.0", "mine", { first: true });
    const second = await bus.publishOnce("speech.result.b1.0.0", "yours", { first: true });
    expect(second).toEqual({ seq: first.seq, duplicate: true });
    const kept = await bus.last("RESULTS", "speech.result.b1.0.0");
    expect(new TextDecoder().decode(kept?.data)).toBe("mine");
  });

  it("stores what it was given: headers, subject and bytes", async () => {
    const data = new Uint8Array(1_000).map((_, index) => index % 256);
    const { seq } = await bus.publishOnce("speech.job.transcribe.batch.b2.0.0", data, {
      headers: [
        ["Content-Type", "audio/wav"],
        ["Parlance-Custom-Id", "Grüße 1"],
      ],
    });
    const stored = await bus.message("JOBS", seq);
    expect(stored?.data).toEqual(data);
    expect(stored?.headers.get("Content-Type")).toBe("audio/wav");
    expect(stored?.headers.get("Parlance-Custom-Id")).toBe("Grüße 1");
    expect(Math.abs((stored?.time ?? 0) - Date.now())).toBeLessThan(5_000);
  });

  it("a message of 30 s of audio and its headers fits", async () => {
    const { seq } = await bus.publishOnce("speech.job.transcribe.batch.b3.0.0", new Uint8Array(960_000), {
      headers: [["Parlance-Hotwords", JSON.stringify(Array.from({ length: 60 }, () => "x".repeat(256)))]],
    });
    expect((await bus.message("JOBS", seq))?.data.byteLength).toBe(960_000);
  });

  it("a message above the server's limit is refused at once", async () => {
    const failed = bus.publishOnce("speech.job.transcribe.batch.b4.0.0", new Uint8Array(1_100_000));
    await expect(failed).rejects.toMatchObject({ code: "payload_too_large" });
  });

  it("a full stream is queue_full, at once, and keeps what it has", async () => {
    const fill = async () => {
      for (let n = 0; n < 20; n++) await bus.publishOnce(`speech.intake.test.full${n}`, new Uint8Array(100_000));
    };
    await expect(fill()).rejects.toMatchObject({ code: "queue_full", status: 429, retryable: true });
    expect((await bus.streamState("INTAKE")).messages).toBeGreaterThan(5);
  });

  it("a subject that no stream takes ends with a sentence about the topology", async () => {
    const failed = bus.publishOnce("elsewhere.x", "x", { timeoutMs: 2_000 });
    await expect(failed).rejects.toThrow(/no stream answers.*topology/);
    await expect(failed).rejects.toMatchObject({ code: "bus_unavailable" });
  });

  it("an aborted publish ends with the signal's reason", async () => {
    const reason = new Error("the caller went away");
    const failed = bus.publishOnce("elsewhere.x", "x", { signal: AbortSignal.timeout(100), timeoutMs: 5_000 });
    await expect(failed).rejects.toMatchObject({ name: "TimeoutError" });
    const aborted = bus.publishOnce("elsewhere.x", "x", { signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
  });

  it("publishing while the server is killed and started again stores each message once", async () => {
    const count = 60;
    const began = Date.now();
    const publishing = Promise.all(
      Array.from({ length: count }, async (_, n) => {
        await sleep(n * 10);
        return await bus.publishOnce(`speech.job.transcribe.batch.restart.0.${n}`, `${n}`, {
          messageId: `restart.0.${n}`,
        });
      }),
    );
    await sleep(200);
    await server.kill();
    await sleep(200);
    await server.restart();
    await publishing;
    const subjects = await bus.countSubjects("JOBS", "speech.job.transcribe.batch.restart.>");
    expect(subjects.size).toBe(count);
    expect([...subjects.values()].every((messages) => messages === 1)).toBe(true);
    expect(Date.now() - began).toBeLessThan(8_000);
  });

  it("what was acknowledged survives kill -9", async () => {
    const { seq } = await bus.publishOnce("speech.done.b9.0", "done", { first: true });
    await server.kill();
    await server.restart();
    expect((await bus.message("RESULTS", seq))?.subject).toBe("speech.done.b9.0");
    const again = await bus.publishOnce("speech.done.b9.0", "again", { first: true });
    expect(again).toEqual({ seq, duplicate: true });
  });

  it("gives up with bus_unavailable when the server stays away", async () => {
    await server.kill();
    try {
      const began = performance.now();
      const failed = bus.publishOnce("speech.done.b10.0", "x", { timeoutMs: 400 });
      await expect(failed).rejects.toBeInstanceOf(SpeechError);
      await expect(failed).rejects.toMatchObject({ code: "bus_unavailable" });
      expect(performance.now() - began).toBeLessThan(1_500);
      expect(bus.connected).toBe(false);
    } finally {
      await server.restart();
    }
    await bus.publishOnce("speech.done.b10.0", "x");
    expect(bus.connected).toBe(true);
  });
});
