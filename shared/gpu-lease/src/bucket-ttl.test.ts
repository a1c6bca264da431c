import { connectBus } from "@parlance/bus";
import { startTestServer, testServers } from "@parlance/nats/testing";
import { describe, expect, test } from "vitest";
import { requireBucketTtl } from "./bucket-ttl.ts";
import { createLease } from "./lease.ts";

describe.each(await testServers())(
  "a lease whose time the server does not keep, on nats-server $version",
  ({ binary }) => {
    test("is not made: the bucket's keys live shorter than LEASE_TTL", async () => {
      await using server = await startTestServer({ binary, settings: { LEASE_TTL: 2 } });
      const bus = await connectBus({ name: "w", ...server.as("transcribe-worker") });
      const made = (ttlMs: number) =>
        createLease({
          bus,
          device: "cpu",
          holder: { id: "w", family: "asr", model: "m", host: "h", pid: 1 },
          ttlMs,
          onLost: async () => {},
          onExtended() {},
          onChange() {},
          log: { info() {}, warn() {}, debug() {} },
        });
      await expect(made(10_000)).rejects.toMatchObject({
        code: "validation_failed",
        message: expect.stringMatching(/^LEASE_TTL: .* must live for 10 s and the server lets them go after 2 s/),
      });
      await (await made(2_000)).close();
      await bus.close();
    });
  },
);

test("nor is one where the server does not tell, or lets no key go", async () => {
  const silent = { request: async () => undefined };
  await expect(requireBucketTtl(silent, 10_000, 0)).rejects.toThrow(/^LEASE_TTL: .* the server does not tell/);
  const refused = { request: async () => Promise.reject(new Error("permissions")) };
  await expect(requireBucketTtl(refused, 10_000, 0)).rejects.toThrow(/does not tell/);
  const eternal = { request: async () => Buffer.from(JSON.stringify({ config: { max_age: 0 } })) };
  await expect(requireBucketTtl(eternal, 10_000, 0)).rejects.toThrow(/the server never lets them go/);
});

test("a server that answers late is waited for", async () => {
  let asked = 0;
  const late = {
    request: async () => (++asked < 3 ? undefined : Buffer.from(JSON.stringify({ config: { max_age: 10e9 } }))),
  };
  await requireBucketTtl(late, 10_000);
  expect(asked).toBe(3);
});
