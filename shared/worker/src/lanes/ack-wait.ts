/** How long the server waits for a job before it delivers it again: the durable's own setting, which topology code chose. */
import type { Bus } from "@parlance/bus";
import { durables, type Operation, streams } from "@parlance/contracts";

const DEFAULT_MS = 30_000;

export async function readAckWait(bus: Bus, operations: readonly Operation[]): Promise<number> {
  const waits = operations.map(async (operation) => {
    const durable = durables.worker(operation, "batch");
    const answer = await bus
      .request(`$JS.API.CONSUMER.INFO.${streams.jobs}.${durable}`, "", 2_000)
      .catch(() => undefined);
    const info = JSON.parse(answer ? new TextDecoder().decode(answer) : "{}") as { config?: { ack_wait?: number } };
    const nanoseconds = info.config?.ack_wait;
    return nanoseconds ? nanoseconds / 1e6 : DEFAULT_MS;
  });
  return Math.min(...(await Promise.all(waits)));
}
