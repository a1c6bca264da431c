/** For the tests of one file: a nats-server of their own, and what each of them opens closed behind it. */
import { startTestServer, type TestServer, type TestServerOptions } from "@parlance/nats/testing";
import { afterAll, afterEach, beforeAll } from "vitest";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";

export interface TestRig {
  readonly server: TestServer;
  /** May do everything. */
  readonly bus: Bus;
  /** A connection as one of the users, closed after the test. */
  connectAs(user: NonNullable<Parameters<TestServer["as"]>[0]>, name?: string): Promise<Bus>;
  /** Closed after the test, the newest first. */
  closeAfter<Closeable extends { close(): Promise<void> }>(closeable: Closeable): Closeable;
  /** What the test has opened, closed before its end. */
  closeAll(): Promise<void>;
}

/** To be called where a file's or a group's hooks may stand. */
export function useTestServer(options?: TestServerOptions): TestRig {
  let running: { server: TestServer; bus: Bus } | undefined;
  let open: { close(): Promise<void> }[] = [];

  function rig() {
    if (running === undefined) throw new Error("the server runs only while tests do");
    return running;
  }

  function closeAfter<Closeable extends { close(): Promise<void> }>(closeable: Closeable): Closeable {
    open.unshift(closeable);
    return closeable;
  }

  async function closeAll(): Promise<void> {
    const closing = open;
    open = [];
    for (const closeable of closing) await closeable.close();
  }

  beforeAll(async () => {
    const server = await startTestServer(options);
    running = { server, bus: await connectBus({ name: "test", ...server.as() }) };
  });
  afterEach(closeAll);
  afterAll(async () => {
    await running?.bus.close();
    await running?.server.stop();
  });

  return {
    get server() {
      return rig().server;
    },
    get bus() {
      return rig().bus;
    },
    connectAs: async (user, name = user) => closeAfter(await connectBus({ name, ...rig().server.as(user) })),
    closeAfter,
    closeAll,
  };
}
