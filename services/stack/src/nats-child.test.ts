import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectBus } from "@parlance/bus";
import { readSettings, streams } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { expect, it, vi } from "vitest";
import { natsChildSettings, startNats } from "./nats-child.ts";

it("a nats-server that is killed comes back with the streams that it had in memory", async () => {
  const stateDir = await mkdtemp(join(tmpdir(), "parlance-nats-"));
  const repository = new URL("../../..", import.meta.url).pathname;
  const { NATS_SERVER_CACHE = "" } = readSettings(natsChildSettings, process.env);
  const settings = {
    ...readSettings(natsChildSettings, process.env),
    NATS_PORT: -1,
    NATS_SERVER_CACHE: join(repository, NATS_SERVER_CACHE),
  };
  let pid: number | undefined;
  const nats = await startNats({
    ...{ settings, environment: process.env, stateDir, program: "this test", log: createLog("stack", "silent") },
    onPid: (now) => {
      pid = now;
    },
    onStoreProblem: () => undefined,
  });
  try {
    const { topology } = nats.credentials;
    const bus = await connectBus({ url: nats.url, name: "test", ...topology });
    try {
      const before = pid;
      process.kill(before ?? 0, "SIGKILL");
      await vi.waitFor(() => expect(pid).not.toSatisfy((now) => now === undefined || now === before), 20_000);
      await vi.waitFor(() => bus.streamState(streams.live, { timeoutMs: 1_000 }), 20_000);
      for (const name of Object.values(streams)) expect((await bus.streamState(name)).messages).toBe(0);
    } finally {
      await bus.close();
    }
  } finally {
    await nats.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
});
