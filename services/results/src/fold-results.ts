/**
 * The durable's loop: segment results in, done events and summaries out.
 *
 * received → its item folded → done event stored → batch checked → acknowledged. Each step may be repeated, so a process
 * that is killed between any two loses nothing: what was not acknowledged comes again, and what was already published
 * stays the first.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, type Delivery, deadLetter } from "@parlance/bus";
import {
  durables,
  type ItemDone,
  parseResultSubject,
  type SegmentResult,
  SpeechError,
  streams,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { BatchProgress } from "./batch-progress.ts";
import type { ConcludeItem } from "./conclude-item.ts";
import { foldItem, type ItemAddress, type SegmentResults } from "./fold-item.ts";
import { itemFromStream, parseResult } from "./item-from-stream.ts";
import type { OpenItems } from "./open-items.ts";
import type { ResultsMetrics } from "./results-metrics.ts";

const PULL_SIZE = 128;
const PULL_WAIT_MS = 20_000;
const PULLS_AT_ONCE = 2;
const LONGEST_PAUSE_MS = 30_000;

export interface FoldResultsOptions {
  bus: Bus;
  openItems: OpenItems;
  concludeItem: ConcludeItem;
  progress: BatchProgress;
  metrics: ResultsMetrics;
  log: Log;
  signal: AbortSignal;
  now: () => number;
}

interface Received {
  delivery: Delivery;
  n: number;
  /** Undefined when the payload cannot be read. */
  result: SegmentResult | undefined;
}

/** Runs until the signal aborts; what was pulled by then is finished first. */
export async function foldResults(options: FoldResultsOptions): Promise<void> {
  const { bus, signal, log } = options;
  const working = new Set<Promise<void>>();
  const catchingUp = catchUp(options).catch((error: unknown) =>
    log.warn({ err: error }, "catching up failed; what is unfinished comes again by itself"),
  );
  while (!signal.aborted) {
    try {
      const deliveries = await bus.pull({
        stream: streams.results,
        durable: durables.results,
        max: PULL_SIZE,
        waitMs: PULL_WAIT_MS,
        signal,
      });
      if (deliveries.length === 0) continue;
      const work: Promise<void> = foldDeliveries(deliveries, options).finally(() => working.delete(work));
      working.add(work);
      if (working.size >= PULLS_AT_ONCE) await Promise.race(working);
    } catch (error) {
      if (signal.aborted) break;
      log.warn({ err: error }, "pulling results failed");
      await pause(1_000, undefined, { signal }).catch(() => undefined);
    }
  }
  await Promise.all([catchingUp, ...working]);
}

/**
 * What a process that died had received comes again only when its acknowledgement timer is over, half a minute later,
 * and somebody may be waiting for it: it is folded now, from the stream, and acknowledged when it comes.
 */
async function catchUp(options: FoldResultsOptions): Promise<void> {
  const { bus, signal } = options;
  const { ackPending, ackFloor } = await bus.consumerState(streams.results, durables.results);
  if (ackPending === 0) return;
  const received: Delivery[] = [];
  const stored = bus.read({ stream: streams.results, subject: "speech.result.>", fromSeq: ackFloor + 1, signal });
  for await (const message of stored) {
    const nothing = () => undefined;
    received.push({
      ...message,
      deliveries: 1,
      pending: 0,
      ack: async () => {},
      nak: nothing,
      working: nothing,
      term: nothing,
    });
    if (received.length >= PULL_SIZE * (PULLS_AT_ONCE + 2)) break;
  }
  await foldDeliveries(received, options);
}

async function foldDeliveries(deliveries: readonly Delivery[], options: FoldResultsOptions): Promise<void> {
  const { bus, log, metrics } = options;
  const items = new Map<string, { address: ItemAddress; received: Received[] }>();
  for (const delivery of deliveries) {
    const parsed = parseResultSubject(delivery.subject);
    if (parsed === undefined) {
      delivery.term("not a result's subject");
      continue;
    }
    const key = `${parsed.batchId}.${parsed.itemId}`;
    const item = items.get(key) ?? { address: { batchId: parsed.batchId, itemId: parsed.itemId }, received: [] };
    items.set(key, item);
    item.received.push({ delivery, n: parsed.n, result: parseResult(delivery) });
  }

  // Two steps, so that a batch whose items all came in one pull is checked once.
  const settled = await Promise.all(
    [...items.values()].map(async (item) => ({ ...item, outcome: await attempt(() => settleItem(item, options)) })),
  );
  const concludedBatches = new Set(
    settled.filter((item) => item.outcome.value === true).map((item) => item.address.batchId),
  );
  const checked = new Map(
    await Promise.all(
      [...concludedBatches].map(
        async (batchId) => [batchId, await attempt(() => options.progress.check(batchId))] as const,
      ),
    ),
  );

  await Promise.all(
    settled.map(async ({ address, received, outcome }) => {
      const error = outcome.error ?? checked.get(address.batchId)?.error;
      if (error !== undefined) log.warn({ err: error, ...address }, "folding failed; it will be tried again");
      await Promise.all(
        received.map(async ({ delivery, n, result }) => {
          if (error !== undefined) {
            delivery.nak(Math.min(1_000 * 2 ** (delivery.deliveries - 1), LONGEST_PAUSE_MS));
            return;
          }
          metrics.folded.inc();
          const finish =
            result === undefined
              ? deadLetter(bus, delivery, {
                  service: "results",
                  reason: "unreadable result",
                  address: { ...address, n },
                })
              : delivery.ack();
          await finish.catch((lost: unknown) => log.debug({ err: lost }, "an ack did not arrive; it comes again"));
        }),
      );
    }),
  );
}

/** True when the item's done event is stored. */
async function settleItem(
  item: { address: ItemAddress; received: Received[] },
  options: FoldResultsOptions,
): Promise<boolean> {
  const done = await foldReceived(item, options);
  if (done === undefined) return false;
  const { first } = await options.concludeItem(done);
  options.openItems.drop(keyOf(item.address));
  // Another writer's event may say otherwise than ours: only the stream knows, so a duplicate is not remembered.
  if (first) {
    options.progress.concluded(done.batchId, done.itemId, done.status);
    options.metrics.concluded.inc({ status: done.status });
  }
  return true;
}

async function foldReceived(
  { address, received }: { address: ItemAddress; received: Received[] },
  { bus, openItems, now, log }: FoldResultsOptions,
): Promise<ItemDone | undefined> {
  let known: SegmentResults = new Map();
  for (const { delivery, n, result } of received) {
    if (result === undefined) {
      log.error({ subject: delivery.subject, seq: delivery.seq }, "a result cannot be read");
      return unreadableItem(address, now());
    }
    // Most items are one segment: they never enter the cache.
    const alone = n === 0 && result.last;
    known = alone ? new Map([[0, result]]) : openItems.add(keyOf(address), n, result, delivery.data.length);
  }
  return foldItem(address, known) ?? itemFromStream(bus, address, known);
}

function unreadableItem(address: ItemAddress, now: number): ItemDone {
  const error = new SpeechError("internal", "A segment's result could not be read.").toFailure();
  return { ...address, operation: "transcribe", status: "error", error, finishedAt: now };
}

function keyOf({ batchId, itemId }: ItemAddress): string {
  return `${batchId}.${itemId}`;
}

async function attempt<T>(work: () => Promise<T>): Promise<{ value?: T; error?: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}
