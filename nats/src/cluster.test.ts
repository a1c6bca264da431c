import { jetstreamManager } from "@nats-io/jetstream";
import { readSettings } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureTopology } from "./ensure-topology.ts";
import { startTestCluster, type TestCluster } from "./test-cluster.ts";
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
