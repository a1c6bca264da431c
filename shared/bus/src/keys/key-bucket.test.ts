import { setTimeout as sleep } from "node:timers/promises";
import { Kvm } from "@nats-io/kv";
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";
import type { KeyBucket, KeyEvent } from "./key-bucket.ts";

const texts = (bucket: string) => ({ bucket, prefix: "", schema: z.string() });

describe.each(await testServers())("key bucket on $version", ({ binary }) => {
  let server: TestServer;
  let bus: Bus;
  let bucket: KeyBucket<string>;
  beforeAll(async () => {
    server = await startTestServer({ binary });
    bus = await connectBus({ name: "test", ...server.as() });
    bucket = bus.bucket(texts("batches"));
  });
  afterAll(async () => {
    await bus.close();
    await server.stop();
  });

  it("lets one of many create a key", async () => {
    const revisions = await Promise.all(Array.from({ length: 8 }, (_, n) => bucket.create("batch.one", `${n}`)));
    expect(revisions.filter((revision) => revision !== undefined)).toHaveLength(1);
    expect((await bucket.get("batch.one"))?.revision).toBe(revisions.find((revision) => revision !== undefined));
  });

  it("updates and deletes only the revision that is the newest", async () => {
    const first = (await bucket.create("batch.two", "a")) ?? 0;
    const second = await bucket.update("batch.two", "b", first);
    expect(second).toBeGreaterThan(first);
    expect(await bucket.update("batch.two", "c", first)).toBeUndefined();
    expect(await bucket.delete("batch.two", first)).toBe(false);
    expect((await bucket.get("batch.two"))?.value).toBe("b");
    expect(await bucket.delete("batch.two", second)).toBe(true);
    expect(await bucket.get("batch.two")).toBeUndefined();
  });

  it("a deleted key can be created again, once", async () => {
    await bucket.put("batch.three", "a");
    await bucket.delete("batch.three");
    const revisions = await Promise.all([bucket.create("batch.three", "b"), bucket.create("batch.three", "c")]);
    expect(revisions.filter((revision) => revision !== undefined)).toHaveLength(1);
  });

  it("lists the keys that are there", async () => {
    await bucket.put("cancelled.x", "1");
    await bucket.put("cancelled.y", "1");
    await bucket.delete("cancelled.y");
    expect(await bucket.keys("cancelled.*")).toEqual(["cancelled.x"]);
    expect(await bucket.keys("nothing.>")).toEqual([]);
  });

  it("NATS's own client reads what it writes, and the other way round", async () => {
    const kv = await new Kvm(await server.connect()).open("batches");
    await bucket.put("batch.shared", "ours");
    expect((await kv.get("batch.shared"))?.json()).toBe("ours");
    await kv.put("batch.shared", '"theirs"');
    expect((await bucket.get("batch.shared"))?.value).toBe("theirs");
    await kv.delete("batch.shared");
    expect(await bucket.get("batch.shared")).toBeUndefined();
    await bucket.put("batch.shared", "again");
    await bucket.delete("batch.shared");
    expect((await kv.get("batch.shared"))?.operation).toBe("DEL");
  });

  it("an expired key is gone, can be created again, and its watchers find out when they look", async () => {
    await new Kvm(await server.connect()).create("expiring", { ttl: 2_000 });
    const expiring = bus.bucket(texts("expiring"));
    const controller = new AbortController();
    const events: KeyEvent<string>[] = [];
    const watching = collect(expiring.watch("a.*", controller.signal, 250), events);
    await expiring.create("a.b", "first");
    await sleep(3_400);
    expect(await expiring.get("a.b")).toBeUndefined();
    expect(await expiring.create("a.b", "next")).toBeGreaterThan(1);
    await sleep(200);
    controller.abort();
    await watching;
    expect(events.map(({ kind }) => kind)).toEqual(["put", "gone", "put"]);
  });

  it("a watch tells what is there, then every change, and misses nothing while the server is killed", async () => {
    await bucket.put("watched.a", "1");
    await bucket.put("watched.b", "1");
    const controller = new AbortController();
    const events: KeyEvent<string>[] = [];
    const watching = collect(bucket.watch("watched.*", controller.signal), events);
    await sleep(100);
    await bucket.put("watched.c", "1");
    await bucket.delete("watched.a");
    await sleep(100);
    expect(events.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      "put watched.a",
      "put watched.b",
      "put watched.c",
      "gone watched.a",
    ]);
    events.length = 0;
    await server.kill();
    await server.restart();
    await bucket.put("watched.b", "2");
    await bucket.delete("watched.c");
    await expect
      .poll(() => events.map(({ kind, key }) => `${kind} ${key}`), { timeout: 5_000 })
      .toEqual(["put watched.b", "gone watched.c"]);
    controller.abort();
    await watching;
  });

  it("a watch tells nothing of a write that was refused, and every one of a burst, by its revision", async () => {
    const controller = new AbortController();
    const events: KeyEvent<string>[] = [];
    await bucket.put("burst.0", "first");
    const watching = collect(bucket.watch("burst.*", controller.signal), events);
    await expect.poll(() => events.length).toBe(1);
    await bucket.update("burst.0", "wrong", 1);
    await bucket.create("burst.0", "taken");
    const revisions = await Promise.all(Array.from({ length: 50 }, (_, n) => bucket.put(`burst.${n + 1}`, `${n}`)));
    await expect.poll(() => events.length, { timeout: 5_000 }).toBe(51);
    expect(events.slice(1).map(({ revision }) => revision)).toEqual(revisions.sort((a, b) => a - b));
    expect(events.every(({ kind }) => kind === "put")).toBe(true);
    await bucket.delete("burst.0");
    await expect.poll(() => events.at(-1)).toMatchObject({ kind: "gone", key: "burst.0" });
    controller.abort();
    await watching;
  });

  it("a kind of keys sees its own, by what follows its name, and what is not of its schema is an error", async () => {
    const counts = bus.bucket({ bucket: "batches", prefix: "counted.", schema: z.number() });
    const any = bus.bucket({ bucket: "batches", prefix: "counted.", schema: z.number().catch(-1) });
    await counts.put("a", 1);
    await bucket.put("counted.b", "no number");
    await (await new Kvm(await server.connect()).open("batches")).put("counted.c", "no JSON");
    await bucket.put("other.a", "x");
    expect(await counts.get("a")).toMatchObject({ key: "a", value: 1 });
    expect((await counts.keys("*")).sort()).toEqual(["a", "b", "c"]);
    for (const key of ["b", "c"]) {
      await expect(counts.get(key)).rejects.toMatchObject({ code: "internal", message: expect.stringContaining(key) });
      expect((await any.get(key))?.value).toBe(-1);
      expect(await counts.has(key)).toBe(true);
    }
    await counts.purge("b");
    expect(await counts.has("b")).toBe(false);
    const controller = new AbortController();
    const seen: KeyEvent<number>[] = [];
    for await (const event of any.watch("*", controller.signal)) {
      seen.push(event);
      if (seen.length === 2) controller.abort();
    }
    expect(seen).toMatchObject([
      { kind: "put", key: "a", value: 1 },
      { kind: "put", key: "c", value: -1 },
    ]);
  });

  it("a write that meets a killed server is made once", async () => {
    const creating = (async () => {
      await server.kill();
      const created = bucket.create("batch.late", "mine");
      await server.restart();
      return await created;
    })();
    expect(await creating).toBeGreaterThan(0);
    expect((await bucket.get("batch.late"))?.value).toBe("mine");
  });
});

async function collect(source: AsyncIterable<KeyEvent<string>>, into: KeyEvent<string>[]): Promise<void> {
  for await (const event of source) into.push(event);
}
