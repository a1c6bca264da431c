/** Two backlogs that never end, and a request of each kind now and then. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@parlance/bus";
import { durables, type Operation, streams } from "@parlance/contracts";
import type { QueueItem, RestClient } from "../../src/rest-client.ts";

/** Jobs that wait, below which more are submitted: several passes. */
const LEAST_WAITING = 192;
const ITEMS_PER_BATCH = 192;
const LOOK_EVERY_MS = 250;

export interface BacklogOptions {
  bus: Bus;
  client: RestClient;
  operation: Operation;
  item(index: number): QueueItem;
  signal: AbortSignal;
}

/** Submits batches until the signal aborts. Resolves with their ids. */
export async function keepBacklog({ bus, client, operation, item, signal }: BacklogOptions): Promise<string[]> {
  const batchIds: string[] = [];
  const durable = durables.worker(operation, "batch");
  while (!signal.aborted) {
    const { pending } = await bus.consumerState(streams.jobs, durable);
    if (pending < LEAST_WAITING) {
      const from = batchIds.length * ITEMS_PER_BATCH;
      const items = Array.from({ length: ITEMS_PER_BATCH }, (_, index) => item(from + index));
      batchIds.push((await client.submit(`backlog ${operation}`, items, randomUUID())).batch_id);
    }
    await sleep(LOOK_EVERY_MS, signal);
  }
  return batchIds;
}

export interface RequestsOptions {
  /** On average so many milliseconds apart, give or take a fifth. */
  everyMs: number;
  /** Before the first one. */
  afterMs: number;
  random: () => number;
  request(): Promise<void>;
  signal: AbortSignal;
}

/** Requests at their times, whether or not the ones before are answered. Resolves when all are; throws when one failed. */
export async function keepAsking({ everyMs, afterMs, random, request, signal }: RequestsOptions): Promise<void> {
  const asked: Promise<void>[] = [];
  await sleep(afterMs, signal);
  while (!signal.aborted) {
    const answer = request();
    answer.catch(() => {});
    asked.push(answer);
    await sleep(everyMs * (0.8 + 0.4 * random()), signal);
  }
  await Promise.all(asked);
}

async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => {});
}
