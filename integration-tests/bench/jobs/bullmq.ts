/** The same bytes through BullMQ on a Redis of its own: added by one process, taken and done by another. */
import * as z from "zod";
import { startClient } from "../load/client-process.ts";
import { processorSeconds } from "../measure/cpu-profile.ts";
import { findRedis, startRedis } from "./redis.ts";

export interface BullMq {
  version: string;
  /** Seconds from the first job that is added to the end of the last one. */
  run(count: number): Promise<number>;
  /** Of processor time so far, of Redis and the worker. */
  seconds(): number;
  /** Of processor time so far, of the process that adds. */
  clientSeconds(): number;
  stop(): Promise<void>;
}

const QUEUE = "clips";

/** Undefined where no redis-server is found. */
export async function startBullMq(clip: { seconds: number; places: number }): Promise<BullMq | undefined> {
  const program = await findRedis();
  if (program === undefined) return undefined;
  const redis = await startRedis(program);
  const address = { port: redis.port, queue: QUEUE };
  const worker = startClient(new URL("bullmq-worker.ts", import.meta.url), { ...address, places: clip.places });
  const producer = startClient(new URL("bullmq-producer.ts", import.meta.url), { ...address, ...clip });
  let added = 0;
  return {
    version: redis.version,
    async run(count) {
      added += count;
      const started = performance.now();
      const done = worker.ask({ until: added }, z.object({}));
      await Promise.all([done, producer.ask({ count }, z.object({}))]);
      return (performance.now() - started) / 1_000;
    },
    seconds: () => processorSeconds(redis.pid) + worker.seconds(),
    clientSeconds: producer.seconds,
    async stop() {
      await producer.close();
      await worker.close();
      await redis.stop();
    },
  };
}
