import { jetstreamManager, StorageType } from "@nats-io/jetstream";
import { lanes, operations } from "@parlance/contracts";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureTopology } from "./ensure-topology.ts";
import { startTestServer, type TestServer, testServers } from "./testing.ts";
import { topology } from "./topology.ts";

describe.each(await testServers())("ensureTopology on $version", ({ binary, version }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ binary, topology: false });
  });
  afterAll(() => server.stop());

  it("makes everything, and a second time nothing", async () => {
    const nc = await server.connect();
    const first = await ensureTopology(nc, { settings: server.settings });
    expect(first.created).toContain("JOBS");
    expect(first.created).toContain("KV_gpu-lease");
    expect(first.created).toContain("OBJ_files");
    for (const operation of operations) {
      for (const lane of lanes) expect(first.created).toContain(`JOBS/${operation}-${lane}`);
    }
    const second = await ensureTopology(nc, { settings: server.settings });
    expect(second).toMatchObject({ version, created: [], updated: [] });
  });

  it("may be run by several at once", async () => {
    const connections = await Promise.all([server.connect(), server.connect(), server.connect()]);
    const settings = { ...server.settings, RESULT_TTL: 7_200 };
    const all = await Promise.all(connections.map((nc) => ensureTopology(nc, { settings })));
    expect(all.flatMap(({ created }) => created)).toEqual([]);
  });

  it("changes what may be changed and keeps the messages", async () => {
    const nc = await server.connect();
    const jsm = await jetstreamManager(nc);
    await jsm.jetstream().publish("speech.job.transcribe.batch.b.0.0", "audio");
    const settings = { ...server.settings, JOBS_MAX_BYTES: 8 * 1_048_576 };
    const { updated } = await ensureTopology(nc, { settings });
    expect(updated).toContain("JOBS");
    const { config, state } = await jsm.streams.info("JOBS");
    expect([config.max_bytes, state.messages]).toEqual([8 * 1_048_576, 1]);
  });

  it("gives results that had no limit one, keeps those that are there, and refuses more", async () => {
    const jsm = await jetstreamManager(await server.connect());
    await jsm.streams.delete("RESULTS");
    await jsm.streams.add({ name: "RESULTS", subjects: ["speech.result.>"], storage: StorageType.File });
    const publish = (n: number) => jsm.jetstream().publish(`speech.result.b.0.${n}`, new Uint8Array(100_000));
    for (let n = 0; n < 12; n += 1) await publish(n);
    const settings = { ...server.settings, RESULTS_MAX_BYTES: 1_048_576 };
    const { updated } = await ensureTopology(await server.connect(), { settings });
    expect(updated).toContain("RESULTS");
    expect((await jsm.streams.info("RESULTS")).state.messages).toBe(12);
    await expect(publish(12)).rejects.toThrow(/maximum bytes/);
    await jsm.streams.purge("RESULTS");
    await ensureTopology(await server.connect(), { settings: server.settings });
  });

  it("brings back a durable that somebody deleted or changed", async () => {
    const nc = await server.connect();
    const jsm = await jetstreamManager(nc);
    await ensureTopology(nc, { settings: server.settings });
    await jsm.consumers.delete("INTAKE", "ingest");
    await jsm.consumers.update("JOBS", "transcribe-batch", { max_deliver: 3 });
    const { created, updated } = await ensureTopology(nc, { settings: server.settings });
    expect([created, updated]).toEqual([["INTAKE/ingest"], ["JOBS/transcribe-batch"]]);
  });

  it("takes the shortest settings that there are", async () => {
    const settings = { ...server.settings, RESULT_TTL: 60, LEASE_TTL: 2 };
    await ensureTopology(await server.connect(), { settings });
    await ensureTopology(await server.connect(), { settings: server.settings });
  });

  it("is refused where settings contradict each other", async () => {
    const settings = { ...server.settings, NATS_REPLICAS: 3 };
    await expect(ensureTopology(await server.connect(), { settings })).rejects.toThrow(
      /^LEASE_TTL: is 10 s; with NATS_REPLICAS=3 /,
    );
  });

  it("queues refuse when full and forget nothing by age", async () => {
    const jsm = await jetstreamManager(await server.connect());
    for (const name of ["JOBS", "INTAKE"]) {
      const { config } = await jsm.streams.info(name);
      expect(config).toMatchObject({ discard: "new", max_age: 0, retention: "limits", storage: "file" });
    }
  });

  it("the lease's keys do not expire, and do not any more where they did", async () => {
    const nc = await server.connect();
    const jsm = await jetstreamManager(nc);
    const { config } = await jsm.streams.info("KV_gpu-lease");
    expect(config.max_age).toBe(0);
    const markers = (nc.info?.api_lvl ?? 0) >= 1 ? { allow_msg_ttl: true, subject_delete_marker_ttl: 5e9 } : {};
    await jsm.streams.update("KV_gpu-lease", { ...config, max_age: 10e9, duplicate_window: 10e9, ...markers });
    await jsm.jetstream().publish("$KV.gpu-lease.gpu.cpu", "holder");
    const { updated } = await ensureTopology(nc, { settings: server.settings });
    expect(updated).toEqual(["KV_gpu-lease"]);
    const after = await jsm.streams.info("KV_gpu-lease");
    expect([after.config.max_age, after.state.messages]).toEqual([0, 1]);
  });

  it("says what NATS cannot change", async () => {
    const nc = await server.connect();
    const jsm = await jetstreamManager(nc);
    await jsm.streams.delete("DEAD");
    await jsm.streams.add({ name: "DEAD", subjects: ["speech.dead.>"], storage: StorageType.Memory });
    const failed = ensureTopology(nc, { settings: server.settings });
    await expect(failed).rejects.toMatchObject({ problem: "topology_conflict" });
    await expect(failed).rejects.toThrow(
      /^Stream DEAD has storage "memory" and should have "file", which NATS cannot change: [^\n]+\.$/,
    );
  });

  it("says that a stream's subjects are taken by somebody else's", async () => {
    const nc = await server.connect();
    const jsm = await jetstreamManager(nc);
    await jsm.streams.delete("DEAD");
    await jsm.streams.add({ name: "MINE", subjects: ["speech.dead.x.>"] });
    await expect(ensureTopology(nc, { settings: server.settings })).rejects.toThrow(/^Stream DEAD cannot be created: /);
    await jsm.streams.delete("MINE");
  });
});

describe("ensureTopology", () => {
  it("says in one sentence that there is no JetStream", async () => {
    await using server = await startTestServer({ jetstream: false, topology: false });
    const nc = await connect({ servers: server.url });
    const failed = ensureTopology(nc, { settings: server.settings });
    await expect(failed).rejects.toThrow(/^NATS at [^ ]+ runs without JetStream: [^\n]+\.$/);
    await nc.close();
  });

  it("says in one sentence that a server is too old", async () => {
    await using server = await startTestServer({ topology: false });
    const nc = await server.connect();
    const old = Object.create(nc, { info: { value: { ...nc.info, version: "2.9.25" } } });
    const failed = ensureTopology(old, { settings: server.settings });
    await expect(failed).rejects.toThrow(/^NATS at [^ ]+ is nats-server 2.9.25; Parlance needs 2.10 or newer.$/);
  });
});

describe("topology", () => {
  const settings = {
    JOBS_MAX_BYTES: 10_000,
    INTAKE_MAX_BYTES: 1_000,
    FILES_MAX_BYTES: 10_000,
    RESULTS_MAX_BYTES: 2_000,
    BATCHES_MAX_BYTES: 1_000,
    VOICES_MAX_BYTES: 1_000,
    LIVE_MAX_BYTES: 1_000,
    RESULT_TTL: 60,
    LEASE_TTL: 10,
    NATS_REPLICAS: 1,
  };
  const promised = (storeBytes?: number) =>
    topology(settings, storeBytes)
      .streams.filter(({ storage }) => storage === StorageType.File)
      .reduce((sum, { max_bytes = 0 }) => sum + max_bytes, 0);

  it("never promises more than the disk holds, and takes the settings as they are when it holds more", () => {
    for (const storeBytes of [1, 5_000, 1_000_000, 1e9]) expect(promised(storeBytes)).toBeLessThanOrEqual(storeBytes);
    expect(promised(1e12)).toBe(promised());
  });

  it("every stream and bucket has an end", () => {
    for (const { name, max_bytes = -1 } of topology(settings).streams) expect(max_bytes, name).toBeGreaterThan(0);
  });

  it("a replicated topology replicates every stream", () => {
    const { streams } = topology({ ...settings, NATS_REPLICAS: 3 });
    expect(streams.every(({ num_replicas }) => num_replicas === 3)).toBe(true);
  });
});
