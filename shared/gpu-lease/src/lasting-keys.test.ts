import { connectBus } from "@parlance/bus";
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
      const { config } = JSON.parse(
        Buffer.from((await topology.request(`$JS.API.STREAM.INFO.KV_${buckets.lease}`, "", 2_000)) ?? "").toString(),
      );
      const aging = { ...config, max_age: 300e9 };
      await topology.request(`$JS.API.STREAM.UPDATE.KV_${buckets.lease}`, JSON.stringify(aging), 2_000);
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
  const silent = { request: async () => undefined };
  await expect(requireLastingKeys(silent, 0)).rejects.toThrow(/^LEASE_TTL: .* the server does not tell/);
  const refused = { request: async () => Promise.reject(new Error("permissions")) };
  await expect(requireLastingKeys(refused, 0)).rejects.toThrow(/does not tell/);
});

test("a server that answers late is waited for", async () => {
  let asked = 0;
  const late = {
    request: async () => (++asked < 3 ? undefined : Buffer.from(JSON.stringify({ config: { max_age: 0 } }))),
  };
  await requireLastingKeys(late);
  expect(asked).toBe(3);
});
