/** What the permissions in nats/ mean in practice: each service does its work with the bus, and is refused what is not its work. */
import { servedSubjects } from "@parlance/contracts";
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { connectBus } from "./connection.ts";
import type { KeyEvent } from "./keys/key-bucket.ts";
import { deadLetter } from "./streams/dead-letter.ts";
import type { Bus } from "./types.ts";

const services = ["topology", "gateway", "ingest", "transcribe-worker", "tts-worker", "results", "publisher"] as const;

const anything = (bucket: string) => ({ bucket, prefix: "", schema: z.unknown() });

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(10);
}

async function drain(source: AsyncIterable<unknown> | undefined): Promise<number> {
  let count = 0;
  for await (const _ of source ?? []) count++;
  return count;
}

describe.each(await testServers())("permissions on $version", ({ binary }) => {
  let server: TestServer;
  let as: Record<(typeof services)[number], Bus>;
  const over = new AbortController();
  const refused = { code: "internal", message: expect.stringMatching(/Permissions Violation/i) };

  beforeAll(async () => {
    server = await startTestServer({ binary, secured: true });
    const buses = await Promise.all(
      services.map(async (name) => [name, await connectBus({ name, ...server.as(name) })] as const),
    );
    as = Object.fromEntries(buses) as typeof as;
  });
  afterAll(async () => {
    over.abort();
    await Promise.all(Object.values(as).map((bus) => bus.close()));
    await server.stop();
  });

  it("a batch goes through every service with its own rights", async () => {
    const { gateway, ingest, results, "transcribe-worker": worker } = as;

    // The gateway: an upload, a record, a submission, and how full the queues are.
    await (await gateway.files("files")).put(
      { id: "f", contentType: "audio/wav", filename: "a.wav", maxBytes: 100 },
      bytes(),
    );
    expect(await gateway.bucket(anything("batches")).create("batch.b", "{}")).toBeGreaterThan(0);
    await gateway.publishOnce("speech.intake.rest.b", "{}", { messageId: "b" });
    await gateway.consumerState("JOBS", "transcribe-batch");
    await gateway.consumerState("INTAKE", "ingest");
    await gateway.streamState("JOBS");

    // Ingest: the submission, its file, jobs, a failed segment, what is there already.
    const [submission] = await ingest.pull({ stream: "INTAKE", durable: "ingest", max: 1, waitMs: 2_000 });
    const upload = await (await ingest.files("files")).read("f");
    expect(await drain(upload?.content)).toBe(1);
    expect(await ingest.bucket(anything("batches")).get("batch.b")).toBeDefined();
    await ingest.publishOnce("speech.job.transcribe.batch.b.0.0", "audio", { messageId: "b.0.0" });
    await ingest.publishOnce("speech.job.transcribe.batch.b.1.0", "poison", { messageId: "b.1.0" });
    await ingest.publishOnce("speech.result.b.2.0", "failed", { first: true });
    expect((await ingest.countSubjects("JOBS", "speech.job.*.*.b.>")).size).toBe(2);
    expect(await ingest.last("JOBS", "speech.job.*.*.b.0.*")).toBeDefined();
    ingest.publish("speech.progress.b.0", "{}");
    submission?.working();
    await submission?.ack();

    // The worker: cancelled batches, the lease, jobs, results, a dead letter.
    const lease = worker.bucket(anything("gpu-lease"));
    const revision = (await lease.create("gpu.cpu", "{}")) ?? 0;
    expect(await lease.update("gpu.cpu", "{}", revision)).toBeGreaterThan(revision);
    await lease.put("wanted.cpu.asr", "{}");
    const seen = gateway.bucket(anything("gpu-lease"));
    expect((await seen.keys(">")).sort()).toEqual(["gpu.cpu", "wanted.cpu.asr"]);
    expect(await seen.get("gpu.cpu")).toBeDefined();
    const jobs = await worker.pull({ stream: "JOBS", durable: "transcribe-batch", max: 16, waitMs: 2_000 });
    expect(jobs).toHaveLength(2);
    await worker.publishOnce("speech.result.b.0.0", "ok", { first: true });
    // The end of a batch that is one segment.
    await worker.publishOnce("speech.done.lone.0", "{}", { first: true });
    worker.publish("speech.told.summary.lone", "{}");
    await jobs[0]?.ack();
    jobs[1]?.nak(0);
    const [poison] = await worker.pull({ stream: "JOBS", durable: "transcribe-batch", max: 1, waitMs: 2_000 });
    const letter = { service: "transcribe-worker", reason: "poison", address: { batchId: "b", itemId: "1", n: 0 } };
    if (poison) await deadLetter(worker, poison, letter);
    expect(await worker.consumerState("JOBS", "transcribe-batch")).toMatchObject({ pending: 0 });

    // Results: the outcomes, the files, the end of an item, and the janitors.
    const outcomes = await results.pull({ stream: "RESULTS", durable: "results", max: 16, waitMs: 2_000 });
    expect(outcomes).toHaveLength(2);
    expect(await drain(results.read({ stream: "RESULTS", subject: "speech.result.b.>" }))).toBe(2);
    await (await results.files("files")).put(
      { id: "t", contentType: "application/json", filename: "t.json", maxBytes: 100 },
      bytes(),
    );
    await results.publishOnce("speech.done.b.0", "{}", { first: true });
    await results.publishOnce("speech.summary.b", "{}", { first: true });
    await Promise.all(outcomes.map((outcome) => outcome.ack()));
    const files = await results.files("files");
    expect((await files.list()).map(({ id }) => id).sort()).toEqual(["f", "t"]);
    await files.delete("f");
    expect(await files.sweep(0)).toBe(0);
    expect(await drain(results.read({ stream: "JOBS", subject: "speech.job.>", headersOnly: true }))).toBe(2);
    const { ackFloor } = await results.consumerState("JOBS", "transcribe-batch");
    expect(await results.purgeBelow("JOBS", ackFloor + 1)).toBe(2);
    expect(await results.purgeBelow("INTAKE", 2)).toBe(1);

    // The gateway again: what came of it, and what was put aside.
    expect(await gateway.last("RESULTS", "speech.done.b.0")).toBeDefined();
    expect(await drain((await (await gateway.files("files")).read("t"))?.content)).toBe(1);
    expect(await drain(gateway.read({ stream: "DEAD", subject: "speech.dead.>" }))).toBe(1);
  });

  it("watches, live subscriptions and requests work between services", async () => {
    const { gateway, ingest, results, publisher, "transcribe-worker": worker } = as;
    const watching = new AbortController();
    const seen: KeyEvent<unknown>[] = [];
    const watch = (async () => {
      for await (const event of worker.bucket(anything("batches")).watch("cancelled.*", watching.signal))
        seen.push(event);
    })();
    await gateway.bucket(anything("batches")).put("cancelled.x", "1");
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(1);
    watching.abort();
    await watch;

    for (const subject of servedSubjects("status")) {
      results.serve(subject, "results", async (request) => request.respond("status"), over.signal);
    }
    worker.serve("speech.workers", undefined, async (request) => request.respond("loaded"), over.signal);
    await Promise.all([results.flush(), worker.flush()]);
    expect(await gateway.request("speech.status.b", "", 2_000)).toBeDefined();
    expect(await publisher.request("speech.status.b", "", 2_000)).toBeDefined();
    expect(await gateway.requestMany("speech.workers", "", 300)).toHaveLength(1);
    ingest.serve("speech.replay.*", "ingest", async (request) => request.respond("replayed"), over.signal);
    await ingest.flush();
    expect(await gateway.request("speech.replay.b", "", 2_000)).toBeDefined();
    await expect(worker.request("speech.replay.b", "", 500)).rejects.toMatchObject(refused);

    const heard: string[] = [];
    const listening = (async () => {
      for await (const { subject } of gateway.subscribe("speech.progress.>", over.signal)) heard.push(subject);
    })();
    await gateway.flush();
    worker.publish("speech.progress.b.0", "{}");
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual(["speech.progress.b.0"]);
    over.abort();
    await listening;
  });

  it("a program without a password may drop audio and hear what comes of it, with any NATS client", async () => {
    const nc = await connect({ servers: server.url });
    const done = nc.subscribe("speech.done.drop.>", { max: 1 });
    const ack = await nc.request("speech.intake.program.drop", new Uint8Array(10), { timeout: 2_000 });
    expect(ack.json()).toMatchObject({ stream: "INTAKE" });
    await nc.flush();
    await as.results.publishOnce("speech.done.drop.0", "{}");
    for await (const message of done) expect(message.subject).toBe("speech.done.drop.0");
    await nc.close();
  });

  it("nobody does another one's work", async () => {
    const { gateway, ingest, publisher, results, "transcribe-worker": worker, "tts-worker": tts } = as;
    const quickly = { timeoutMs: 1_000 };
    for (const [bus, subject] of [
      [worker, "speech.intake.x.y"],
      [worker, "speech.intake.rest.b"],
      [tts, "speech.intake.rest.b"],
      [ingest, "speech.intake.rest.b"],
      [results, "speech.intake.rest.b"],
      [worker, "speech.job.transcribe.batch.b.0.0"],
      [worker, "speech.summary.b"],
      [tts, "speech.done.b.0"],
      [worker, "speech.dead.ingest.b.0.0"],
      [ingest, "speech.done.b.0"],
      [gateway, "speech.job.transcribe.batch.b.0.0"],
      [gateway, "speech.result.b.0.0"],
      [gateway, "speech.intake.my-app.b"],
      [results, "speech.job.transcribe.batch.b.0.0"],
      [results, "speech.result.b.0.0"],
      [publisher, "speech.job.transcribe.batch.b.0.0"],
      [publisher, "speech.result.b.0.0"],
      [publisher, "speech.done.b.0"],
    ] as const) {
      await expect(bus.publishOnce(subject, "x", quickly), subject).rejects.toMatchObject(refused);
    }
    for (const bus of [gateway, ingest, results, publisher]) {
      await expect(bus.bucket(anything("gpu-lease")).create("gpu.cpu", "mine")).rejects.toMatchObject(refused);
    }
    await expect(tts.bucket(anything("gpu-lease")).put("wanted.cpu.asr", "x")).rejects.toMatchObject(refused);
    await expect(publisher.last("JOBS", "speech.job.>")).rejects.toMatchObject(refused);
    await expect(publisher.streamState("JOBS")).rejects.toMatchObject(refused);
    await expect((await publisher.files("files")).read("t")).rejects.toMatchObject(refused);
    await expect(drain(publisher.read({ stream: "JOBS", subject: "speech.job.>" }))).rejects.toMatchObject(refused);
    await expect(drain(worker.read({ stream: "JOBS", subject: "speech.job.>" }))).rejects.toMatchObject(refused);
    await expect((await worker.files("files")).read("t")).rejects.toMatchObject(refused);
    await expect(worker.purgeBelow("JOBS", 10)).rejects.toMatchObject(refused);
    await expect(gateway.purgeBelow("JOBS", 10)).rejects.toMatchObject(refused);
    expect(await tts.pull({ stream: "JOBS", durable: "transcribe-batch", max: 1, waitMs: 100 })).toEqual([]);
  });

  it("no service makes a consumer: it would deliver what it likes to any subject", async () => {
    const streams = ["INTAKE", "JOBS", "RESULTS", "PROGRESS", "DEAD", "KV_batches", "KV_gpu-lease", "OBJ_files"];
    const push = { deliver_subject: "speech.done.victim.0", ack_policy: "none", deliver_policy: "all" };
    for (const name of services.filter((service) => service !== "topology")) {
      const nc = await server.connect(name);
      for (const stream of streams) {
        const config = JSON.stringify({ stream_name: stream, config: { ...push, name: "c" } });
        for (const subject of [
          `$JS.API.CONSUMER.CREATE.${stream}`,
          `$JS.API.CONSUMER.CREATE.${stream}.c`,
          `$JS.API.CONSUMER.CREATE.${stream}.c.speech.result.x.0.0`,
          `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.c`,
        ]) {
          const asked = nc.request(subject, config, { timeout: 2_000 });
          await expect(asked, `${name} ${subject}`).rejects.toThrow(/permissions violation/i);
        }
      }
      await nc.close();
    }
  });

  it("nobody hears another one's answers, or the jobs", async () => {
    for (const subject of ["_INBOX_gateway.>", "speech.job.>", ">", "$KV.>"]) {
      const nc = await connect({ servers: server.url });
      const subscription = nc.subscribe(subject, { callback: () => {} });
      await expect(subscription.closed).resolves.toMatchObject({ message: expect.stringMatching(/Permissions/i) });
      await nc.close();
    }
  });
});
