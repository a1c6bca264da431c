import { jetstreamManager } from "@nats-io/jetstream";
import { readSettings } from "@parlance/contracts";
import { connect, type Msg, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { credentialOf, generateCredentials } from "./config/credentials.ts";
import { ensureTopology } from "./ensure-topology.ts";
import { startTestCluster, type TestCluster } from "./test-cluster.ts";
import { testServers } from "./testing.ts";
import { topologySettings } from "./topology.ts";

describe("a three-node cluster", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster();
  }, 30_000);
  afterAll(async () => await cluster.stop());

  it("keeps every message while one of its nodes is killed", async () => {
    const { nc, nodes } = cluster;
    const settings = { ...readSettings(topologySettings, {}), NATS_REPLICAS: 3, LEASE_TTL: 20 };
    await ensureTopology(nc, { settings });
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const js = jsm.jetstream();
    await js.publish("speech.job.transcribe.batch.b.0.0", "before", { msgID: "b.0.0" });
    const leader = (await jsm.streams.info("JOBS")).cluster?.leader ?? "";
    const other = nodes.find(({ url }, index) => `node-${index}` !== leader && !url.endsWith(nc.getServer()));
    other?.process.kill("SIGKILL");
    await js.publish("speech.job.transcribe.batch.b.0.1", "after", { msgID: "b.0.1", timeout: 10_000 });
    const { state, config } = await jsm.streams.info("JOBS");
    expect([state.messages, config.num_replicas]).toEqual([2, 3]);
  }, 40_000);
});

describe.each(await testServers())("accounts of a three-node cluster of $version", ({ binary }) => {
  it("drops are taken on every node, and an answer leaves its asker's account on none", async () => {
    const credentials = generateCredentials({}, ["my-app"]);
    const cluster = await startTestCluster({ binary, credentials });
    const publishers: NatsConnection[] = [];
    try {
      const { nc, urls } = cluster;
      const settings = { ...readSettings(topologySettings, {}), NATS_REPLICAS: 3, LEASE_TTL: 20 };
      await ensureTopology(nc, { settings });
      const seen: string[] = [];
      nc.subscribe(">", { callback: (_, { subject }) => void seen.push(subject) });
      nc.subscribe("speech.from.>", { callback: (_, request) => void request.respond("an answer") });
      await nc.flush();
      const forged = ["speech.done.victim.0", "$KV.gpu-lease.gpu.cpu", "$JS.API.STREAM.PURGE.INTAKE"];
      for (const [index, servers] of urls.entries()) {
        for (const name of ["my-app", "publisher"]) {
          const { user, password: pass } = credentialOf(credentials, name);
          const publisher = await connect({ servers, user, pass });
          publishers.push(publisher);
          const drop = `speech.intake.${name === "my-app" ? name : "mine"}.b${index}`;
          const ack = await untilHeard(publisher, drop);
          expect(ack.json()).toMatchObject({ stream: "INTAKE" });
          for (const reply of forged) {
            for (const door of [drop, "speech.status.b"]) publisher.publish(door, "forged", { reply });
          }
          expect((await untilHeard(publisher, "speech.status.b")).string()).toBe("an answer");
        }
      }
      await nc.flush();
      expect(forged.filter((subject) => seen.includes(subject))).toEqual([]);
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      expect((await jsm.streams.info("RESULTS")).state.messages).toBe(0);
    } finally {
      await Promise.all(publishers.map((each) => each.close()));
      await cluster.stop();
    }
  }, 90_000);
});

/** What one node subscribes to is known to the others a moment later. */
async function untilHeard(nc: NatsConnection, subject: string): Promise<Msg> {
  for (let tries = 0; ; tries++) {
    try {
      return await nc.request(subject, "audio", { timeout: 5_000 });
    } catch (error) {
      if (tries > 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
