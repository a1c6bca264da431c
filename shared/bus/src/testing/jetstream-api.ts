/** What no service may ask of JetStream, and tests must: topology changed under a running service. */
import type { Bus } from "../types.ts";

/** How long the server waits for a sign of life of a message, in milliseconds. */
export async function setAckWait(
  bus: Pick<Bus, "connection">,
  { stream, durable }: { stream: string; durable: string },
  ackWaitMs: number,
): Promise<void> {
  const { config } = await ask<{ config: object }>(bus, `CONSUMER.INFO.${stream}.${durable}`);
  const changed = { ...config, ack_wait: ackWaitMs * 1_000_000 };
  await ask(bus, `CONSUMER.DURABLE.CREATE.${stream}.${durable}`, { stream_name: stream, config: changed });
}

/** Changes a stream's configuration, in the server's own names; returns the one before. */
export async function changeStream(bus: Pick<Bus, "connection">, stream: string, change: object): Promise<object> {
  const { config } = await ask<{ config: object }>(bus, `STREAM.INFO.${stream}`);
  await ask(bus, `STREAM.UPDATE.${stream}`, { ...config, ...change });
  return config;
}

async function ask<Answer extends object>({ connection }: Pick<Bus, "connection">, question: string, body?: object) {
  const payload = body === undefined ? "" : JSON.stringify(body);
  const answer = (await connection.request(`$JS.API.${question}`, payload)).json<Answer & { error?: object }>();
  if (answer.error !== undefined) throw new Error(`${question}: ${JSON.stringify(answer.error)}`);
  return answer;
}
