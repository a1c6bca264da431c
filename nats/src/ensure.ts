/** `node nats/src/ensure.ts`: makes the topology on the server at NATS_URL and exits; for containers and deployments. */
import { setTimeout as sleep } from "node:timers/promises";
import { readSettings } from "@parlance/contracts";
import { type ConnectionOptions, connect, errors, type NatsConnection } from "nats";
import { ensureTopology } from "./ensure-topology.ts";
import { topologySettings } from "./topology.ts";

const CONNECT_MS = 60_000;
const PAUSE_MS = 500;

try {
  const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...topologySettings], process.env);
  const user = settings.NATS_USER;
  const url = settings.NATS_URL ?? "";
  const nc = await connectWithin({
    servers: url.split(","),
    name: "ensure-topology",
    ...(user === undefined ? {} : { user, pass: settings.NATS_PASSWORD ?? "", inboxPrefix: `_INBOX_${user}` }),
  });
  try {
    const { version, created, updated } = await ensureTopology(nc, { settings });
    console.log(
      `The topology is in place on nats-server ${version}: ${created.length} made, ${updated.length} changed.`,
    );
  } finally {
    await nc.close();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function connectWithin(options: ConnectionOptions): Promise<NatsConnection> {
  const deadline = Date.now() + CONNECT_MS;
  for (;;) {
    try {
      return await connect(options);
    } catch (error) {
      if (error instanceof errors.AuthorizationError) throw new Error("NATS refuses this user or password.");
      if (Date.now() > deadline) throw new Error(`NATS at ${options.servers} cannot be reached.`, { cause: error });
      await sleep(PAUSE_MS);
    }
  }
}
