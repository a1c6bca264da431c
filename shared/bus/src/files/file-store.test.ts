import { randomBytes } from "node:crypto";
import { jetstreamManager } from "@nats-io/jetstream";
import { Objm } from "@nats-io/obj";
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";
import type { FileStore } from "./files.ts";

const KIB = 1_024;
const describeFile = (id: string, maxBytes = 64 * KIB * KIB) => ({
  id,
  maxBytes,
  contentType: "audio/wav",
  filename: "Grüße.wav",
});

async function* parts(bytes: Uint8Array, size = 7_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function all(content: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const part of content ?? []) found.push(part);
  return found;
}

async function bytesOf(content: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  return Buffer.concat(await all(content));
}

describe.each(await testServers())("file store on $version", ({ binary }) => {
  let server: TestServer;
  let bus: Bus;
  let files: FileStore;
  beforeAll(async () => {
    server = await startTestServer({ binary, settings: { FILES_MAX_BYTES: 16 * KIB * KIB } });
    bus = await connectBus({ name: "test", ...server.as() });
    files = await bus.files("files");
  });
  afterAll(async () => {
    await bus.close();
    await server.stop();
  });
  const storedParts = async () => (await bus.streamState("OBJ_files")).messages;

  it("gives back what it was given", async () => {
    for (const size of [0, 1, 256 * KIB, 256 * KIB + 1, 1_500_000]) {
      const bytes = randomBytes(size);
      const stored = await files.put(describeFile(`f${size}`), parts(bytes));
      expect(stored).toMatchObject({ bytes: size, contentType: "audio/wav", filename: "Grüße.wav" });
      const found = await files.read(`f${size}`);
      expect(found?.info).toEqual(stored);
      expect((await bytesOf(found?.content)).equals(bytes)).toBe(true);
    }
    expect((await files.list()).map(({ id }) => id)).toContain("f1500000");
  });

  it("knows no file that was never put, or was deleted, and a deleted one leaves nothing behind", async () => {
    const before = await storedParts();
    await files.put(describeFile("gone"), parts(randomBytes(600 * KIB)));
    await files.delete("gone");
    await files.delete("never");
    expect(await files.info("gone")).toBeUndefined();
    expect(await files.read("never")).toBeUndefined();
    expect(await storedParts()).toBe(before);
  });

  it("tells those that were stored before a moment, the oldest first, one that was written again by its newest time", async () => {
    for (const name of ["old-a", "old-b", "again", "old-gone"])
      await files.put(describeFile(name), parts(randomBytes(9)));
    await files.delete("old-gone");
    const newest = await bus.last("OBJ_files", "$O.files.M.*");
    await files.put(describeFile("again"), parts(randomBytes(9)));
    const named = async (before: number) => {
      const ids: string[] = [];
      for await (const { id } of files.storedBefore(before)) if (/^(old|again)/.test(id)) ids.push(id);
      return ids;
    };
    expect(await named(Number.POSITIVE_INFINITY)).toEqual(["old-a", "old-b", "again"]);
    expect(await named((newest?.time ?? 0) + 1)).toEqual(["old-a", "old-b"]);
    expect(await named(0)).toEqual([]);
    for (const name of ["old-a", "old-b", "again"]) await files.delete(name);
    // What "again" held at first.
    expect(await files.sweep(-1_000)).toBe(1);
  });

  it("refuses a file above its limit while it arrives, and leaves nothing behind", async () => {
    const before = await storedParts();
    let taken = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        taken += 64 * KIB;
        yield randomBytes(64 * KIB);
      }
    }
    const putting = files.put(describeFile("big", 1_000 * KIB), endless());
    await expect(putting).rejects.toMatchObject({ code: "payload_too_large" });
    expect(taken).toBeLessThan(1_200 * KIB);
    expect(await storedParts()).toBe(before);
  });

  it("an upload that breaks off leaves nothing behind", async () => {
    const before = await storedParts();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield randomBytes(700 * KIB);
      throw new Error("the caller went away");
    }
    await expect(files.put(describeFile("broken"), broken())).rejects.toThrow("the caller went away");
    expect(await storedParts()).toBe(before);
    expect(await files.info("broken")).toBeUndefined();
  });

  it("a file whose parts are gone is an error, not a reader that waits for ever", async () => {
    await files.put(describeFile("hollow"), parts(randomBytes(900 * KIB)));
    const subject = [...(await bus.countSubjects("OBJ_files", "$O.files.C.*"))].find(([, count]) => count === 4)?.[0];
    const jsm = await jetstreamManager(await server.connect());
    await jsm.streams.purge("OBJ_files", { filter: subject ?? "", keep: 1 });
    const found = await files.read("hollow");
    await expect(bytesOf(found?.content)).rejects.toMatchObject({ code: "file_not_found" });
    await files.delete("hollow");
  });

  it("an upload survives a server that is killed in the middle", async () => {
    const bytes = randomBytes(3_000 * KIB);
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for await (const part of parts(bytes, 300 * KIB)) {
        if (part.byteOffset - bytes.byteOffset === 1_200 * KIB) {
          await server.kill();
          await server.restart();
        }
        yield part;
      }
    }
    await files.put(describeFile("survivor"), slowly());
    expect((await bytesOf((await files.read("survivor"))?.content)).equals(bytes)).toBe(true);
  });

  it("NATS's own client reads what it writes, and the other way round", async () => {
    const store = await new Objm(await server.connect()).open("files");
    const bytes = randomBytes(500 * KIB);
    await files.put(describeFile("ours"), parts(bytes));
    expect(Buffer.from((await store.getBlob("ours")) ?? []).equals(bytes)).toBe(true);
    await store.putBlob({ name: "theirs" }, new Uint8Array(bytes));
    const found = await files.read("theirs");
    expect(found?.info).toMatchObject({ bytes: bytes.byteLength, contentType: "application/octet-stream" });
    expect((await bytesOf(found?.content)).equals(bytes)).toBe(true);
    await store.delete("theirs");
    expect(await files.info("theirs")).toBeUndefined();
  });

  it("sweeps up the parts of an upload whose writer died, and nothing else", async () => {
    await bus.publishOnce("$O.files.C.orphan", randomBytes(1_000));
    expect(await files.sweep(60_000)).toBe(0);
    const described = (await files.list()).length;
    expect(await files.sweep(-1_000)).toBe(1);
    expect(await files.list()).toHaveLength(described);
    expect((await bytesOf((await files.read("f1500000"))?.content)).byteLength).toBe(1_500_000);
  });

  it("a full bucket is storage_full and leaves nothing behind", async () => {
    const before = await storedParts();
    const putting = files.put(describeFile("full"), parts(randomBytes(20 * KIB * KIB), 100 * KIB));
    await expect(putting).rejects.toMatchObject({ code: "storage_full" });
    expect(await storedParts()).toBe(before);
  });

  it("a small file is put and read within milliseconds, though each write goes to disk", async () => {
    const bytes = randomBytes(96 * KIB);
    const times: number[] = [];
    for (let n = 0; n < 20; n++) {
      const began = performance.now();
      await files.put(describeFile(`small${n}`), parts(bytes, 64 * KIB));
      times.push(performance.now() - began);
    }
    times.sort((left, right) => left - right);
    console.info(
      `put of 96 KiB on ${server.version}: p50 ${times[10]?.toFixed(2)} ms, p90 ${times[18]?.toFixed(2)} ms`,
    );
    expect(times[10]).toBeLessThan(100);
  });
});
