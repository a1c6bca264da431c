/**
 * Makes NATS' streams and durables, and ends: the client that it takes is not kept in memory by the process that runs everything.
 * What it needs its parent tells it, and it answers what it made or what is wrong.
 */
import { once } from "node:events";
import { readSettings } from "@parlance/contracts";
import { ensureTopology, topologySettings } from "@parlance/nats";
import { connect } from "nats";
import { type TopologyAnswer, topologyRequestSchema } from "./topology-request.ts";

const [message] = await once(process, "message");
const { url, user, password, storeBytes } = topologyRequestSchema.parse(message);

async function answer(): Promise<TopologyAnswer> {
  try {
    const settings = readSettings(topologySettings, process.env);
    const connection = await connect({ servers: url, user, pass: password, inboxPrefix: `_INBOX_${user}` });
    try {
      return { made: await ensureTopology(connection, { settings, storeBytes }) };
    } finally {
      await connection.close();
    }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

process.send?.(await answer(), () => process.disconnect());
