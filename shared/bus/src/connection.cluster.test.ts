/**
 * Reading from a real cluster, through a server whose replica lags: it was held up while the others stored on. A server answers
 * from its own replica where it has one.
 */
import { setTimeout as pause } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { readSettings } from "@parlance/contracts";
import { ensureTopology, topologySettings } from "@parlance/nats";
import { startTestCluster, type TestCluster } from "@parlance/nats/test-cluster";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBus } from "./connection.ts";
import type { Bus } from "./types.ts";

const RESULTS = 100;
const FILE_BYTES = 24_000_000;
/** Longer than the other servers wait for a server that takes nothing (10 s): what it missed it then gets little by little. */
const HELD_MS = 13_000;

describe("a cluster with a replica that is held up", () => {
  let cluster: TestCluster;
  let writer: Bus;
  let reader: Bus;
  let follower: TestCluster["nodes"][number] | undefined;
  /** An election is not what is tried here; on a busy machine there may have been some since the start. */
  let leadElsewhere: () => Promise<void>;
  beforeAll(async () => {
    cluster = await startTestCluster();
    const settings = { ...readSettings(topologySettings, {}), NATS_REPLICAS: 3, LEASE_TTL: 20 };
    await ensureTopology(cluster.nc, { settings });
    const jsm = await jetstreamManager(cluster.nc, { checkAPI: false });
    follower = cluster.nodes.at(-1);
    leadElsewhere = async () => {
      for (const stream of ["RESULTS", "OBJ_files"]) {
        while ((await jsm.streams.info(stream)).cluster?.leader === `node-${cluster.nodes.length - 1}`) {
          await cluster.nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, "", { timeout: 5_000 });
          await pause(500);
        }
      }
    };
    const other = cluster.nodes.find((node) => node !== follower);
    writer = await connectBus({ name: "writer", url: other?.url ?? "" });
    reader = await connectBus({ name: "reader", url: follower?.url ?? "" });
  }, 60_000);
  afterAll(async () => {
    follower?.process.kill("SIGCONT");
    await Promise.all([writer.close(), reader.close()]);
    await cluster.stop();
  });

  async function everything(lastPerSubject: boolean): Promise<number> {
    let count = 0;
    for await (const _ of reader.read({ stream: "RESULTS", subject: "speech.done.b.*", lastPerSubject })) count++;
    return count;
  }

  it("every read is whole, and no file is taken for gone", async () => {
    const stored = await writer.files("files");
    const seen = await reader.files("files");
    await leadElsewhere();
    follower?.process.kill("SIGSTOP");
    const file = { id: "f", contentType: "audio/wav", filename: "f.wav", maxBytes: 1e8 };
    await stored.put(file, content(FILE_BYTES));
    for (let n = 0; n < RESULTS; n++) await writer.publishOnce(`speech.done.b.${n}`, "{}", { first: true });
    await pause(HELD_MS);
    follower?.process.kill("SIGCONT");
    for (let tries = 0; tries < 10; tries++) {
      expect(await everything(tries % 2 === 0)).toBe(RESULTS);
      let bytes = 0;
      for await (const chunk of (await seen.read(file.id))?.content ?? []) bytes += chunk.byteLength;
      expect(bytes).toBe(FILE_BYTES);
    }
  }, 120_000);
});

async function* content(bytes: number) {
  yield new Uint8Array(bytes).fill(7);
}
