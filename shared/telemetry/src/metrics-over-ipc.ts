/** A service's metrics for the process that started it, asked for and told over the channel between them: no port of its own. */
import * as z from "zod";
import type { Registry } from "./metrics.ts";

const requestSchema = z.object({
  kind: z.literal("metrics"),
  id: z.number(),
  /** The instance whose page it is: a process may run several. */
  name: z.string(),
});
const answerSchema = requestSchema.extend({ text: z.string() });

/** The child's side. */
export function answerMetrics(registryOf: (name: string) => Registry | undefined): void {
  process.on("message", async (message) => {
    const asked = requestSchema.safeParse(message);
    if (!asked.success) return;
    const text = await registryOf(asked.data.name)?.metrics();
    if (text !== undefined && process.connected) process.send?.({ ...asked.data, text });
  });
}

/** Of a ChildProcess. */
export interface MetricsChannel {
  readonly connected: boolean;
  send(message: object, done: (error: Error | null) => void): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
}

let lastId = 0;

/** The parent's side: undefined when the child does not answer within `timeoutMs`. */
export function askMetrics(child: MetricsChannel, name: string, timeoutMs: number): Promise<string | undefined> {
  if (!child.connected) return Promise.resolve(undefined);
  const id = ++lastId;
  return new Promise((resolve) => {
    const finish = (text: string | undefined) => {
      clearTimeout(timer);
      child.off("message", onMessage);
      resolve(text);
    };
    const onMessage = (message: unknown) => {
      const answer = answerSchema.safeParse(message);
      if (answer.success && answer.data.id === id) finish(answer.data.text);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    child.on("message", onMessage);
    child.send({ kind: "metrics", id, name }, (error) => {
      if (error !== null) finish(undefined);
    });
  });
}
