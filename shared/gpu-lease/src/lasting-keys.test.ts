import { connectBus } from "@parlance/bus";
import { bucketStream, changeStream } from "@parlance/bus/testing";
import { buckets } from "@parlance/contracts";
import { startTestServer, testServers } from "@parlance/nats/testing";
import { describe, expect, test } from "vitest";
import { requireLastingKeys } from "./lasting-keys.ts";
import { createLease } from "./lease.ts";

describe.each(await testServers())(
  "a lease whose keys the server lets expire, on nats-server $version",
  ({ binary }) => {
    test("is not made", async () => {
      await using server = await startTestServer({ binary });
      const bus = await connectBus({ name: "w", ...server.as("transcribe-worker") });
      const make = () =>
        createLease({
          bus,
          accelerator: "cpu-a",
          holder: { id: "w", family: "asr", model: "m", host: "h", pid: 1 },
          ttlMs: 10_000,
          onLost: async () => {},
          onExtended() {},
          onChange() {},
          log: { info() {}, warn() {}, debug() {} },
        });
      await (await make()).close();
      const topology = await connectBus({ name: "t", ...server.as() });
      await changeStream(topology, bucketStream(buckets.lease), { max_age: 300e9 });
      await topology.close();
      await expect(make()).rejects.toMatchObject({
        code: "validation_failed",
        message: expect.stringMatching(/^LEASE_TTL: .* must not expire and the server lets them go after 300 s/),
      });
      await bus.close();
    });
  },
);

test("nor is one where the server does not tell", async () => {
  const silent = { state: () => Promise.reject(new Error("no answer")) };
  await expect(requireLastingKeys(silent, 0)).rejects.toThrow(/^LEASE_TTL: .* the server does not tell/);
});

test("a server that answers late is waited for", async () => {
  let asked = 0;
  const forEver = { messages: 0, bytes: 0, maxBytes: 0, maxAgeMs: 0, firstSeq: 0, lastSeq: 0, consumers: 0 };
  const late = {
    state: () => (++asked < 3 ? Promise.reject(new Error("no answer")) : Promise.resolve(forEver)),
  };
  await requireLastingKeys(late);
  expect(asked).toBe(3);
});
