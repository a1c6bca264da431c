import { describe, expect, it } from "vitest";
import { connectRaw, headerBlock, useTestServer } from "../testing/index.ts";
import { deadLetter } from "./dead-letter.ts";

describe("deadLetter", () => {
  const rig = useTestServer();
  const deliver = async (batchId: string, data: Uint8Array) => {
    const subject = `speech.job.transcribe.batch.${batchId}.0.7`;
    await rig.bus.publishOnce(subject, data, {
      headers: [["Parlance-Custom-Id", "mine"]],
      messageId: `${batchId}.0.7`,
    });
    const [delivery] = await rig.bus.pull({ stream: "JOBS", durable: "transcribe-batch", max: 1, waitMs: 1_000 });
    if (!delivery) throw new Error("nothing was delivered");
    return delivery;
  };

  it("keeps the message with its headers and the reason, and the message does not come back", async () => {
    const delivery = await deliver("b", new Uint8Array([1, 2, 3]));
    await deadLetter(rig.bus, delivery, {
      service: "transcribe-worker",
      reason: "the engine died\nthe second time",
      address: { batchId: "b", itemId: "0", n: 7 },
    });
    const dead = await rig.bus.last("DEAD", "speech.dead.transcribe-worker.b.0.7");
    expect(dead?.data).toEqual(new Uint8Array([1, 2, 3]));
    expect(dead?.headers.get("Parlance-Custom-Id")).toBe("mine");
    expect(dead?.headers.get("Parlance-Dead-Reason")).toBe("the engine died the second time");
    expect(dead?.headers.get("Parlance-Dead-Subject")).toBe("speech.job.transcribe.batch.b.0.7");
    expect(dead?.headers.get("Parlance-Dead-Seq")).toBe(String(delivery.seq));
    await rig.bus.flush();
    expect(await rig.bus.consumerState("JOBS", "transcribe-batch")).toMatchObject({ pending: 0, ackPending: 0 });
  });

  it("the same message is put aside once, however often its service tries", async () => {
    const delivery = await deliver("c", new Uint8Array(10));
    const letter = { service: "transcribe-worker", reason: "x", address: { batchId: "c", itemId: "0", n: 7 } };
    await deadLetter(rig.bus, delivery, letter);
    await deadLetter(rig.bus, delivery, letter);
    expect([...(await rig.bus.countSubjects("DEAD", "speech.dead.*.c.>")).values()]).toEqual([1]);
  });

  it("headers of nearly 64 KiB leave no room for the letter's own: those that do not fit are left out, and it says so", async () => {
    for (const [batchId, bytes] of [
      ["h", 10],
      ["hp", rig.bus.maxPayload - 65_535],
    ] as const) {
      const subject = `speech.job.transcribe.batch.${batchId}.0.7`;
      const raw = await connectRaw(rig.server.as());
      const block = headerBlock("First: 1", `Long: ${"x".repeat(65_535 - 100)}`, "Bad Name: 1", "Last: 2");
      await raw.publish(subject, block, Buffer.alloc(bytes));
      await raw.close();
      const [delivery] = await rig.bus.pull({ stream: "JOBS", durable: "transcribe-batch", max: 1, waitMs: 1_000 });
      if (!delivery) throw new Error("nothing was delivered");
      await deadLetter(rig.bus, delivery, { service: "ingest", reason: "r".repeat(5_000), address: { batchId } });
      const dead = await rig.bus.last("DEAD", `speech.dead.ingest.${batchId}.unknown.0`);
      expect(dead?.headers.malformed).toBeUndefined();
      expect([dead?.headers.get("First"), dead?.headers.has("Long"), dead?.headers.get("Last")]).toEqual([
        "1",
        false,
        "2",
      ]);
      expect(dead?.headers.get("Parlance-Dead-Reason")).toHaveLength(1_000);
      expect(dead?.headers.get("Parlance-Dead-Headers")).toMatch(/^malformed: .*; 1 did not fit$/);
      expect(dead?.data.byteLength).toBe(bytes);
    }
  });

  it("what a letter says of itself is not its sender's to say", async () => {
    const headers = [["Parlance-Dead-Reason", "all is well"]] as const;
    await rig.bus.publishOnce("speech.job.transcribe.batch.e.0.7", "x", { headers });
    const [delivery] = await rig.bus.pull({ stream: "JOBS", durable: "transcribe-batch", max: 1, waitMs: 1_000 });
    if (!delivery) throw new Error("nothing was delivered");
    await deadLetter(rig.bus, delivery, { service: "ingest", reason: "poison", address: { batchId: "e" } });
    const dead = await rig.bus.last("DEAD", "speech.dead.ingest.e.unknown.0");
    expect(dead?.headers.get("Parlance-Dead-Reason")).toBe("poison");
  });

  it("a payload that leaves no room for the reason is left in its stream, and the letter says where", async () => {
    const delivery = await deliver("d", new Uint8Array(rig.bus.maxPayload - 150));
    await deadLetter(rig.bus, delivery, { service: "ingest", reason: "r".repeat(5_000), address: {} });
    const dead = await rig.bus.last("DEAD", "speech.dead.ingest.unknown.unknown.0");
    expect(dead?.data.byteLength).toBe(0);
    expect(dead?.headers.get("Parlance-Dead-Payload-Omitted")).toBe(String(rig.bus.maxPayload - 150));
    expect((await rig.bus.message("JOBS", delivery.seq))?.data.byteLength).toBe(rig.bus.maxPayload - 150);
  });
});
