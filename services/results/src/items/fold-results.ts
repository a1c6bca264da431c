/**
 * Segment results in, done events and summaries out: what comes of each message that the durable brings.
 *
 * received, and held from then on → its item folded → (its sound written) → done event stored → batch checked → acknowledged.
 * Each step may be repeated, so a process that is killed between any two loses nothing: what was not acknowledged comes
 * again, and what was already published stays the first.
 *
 *   foldItem (contracts), fold-sound         segments in any order make one event: pure
 *   open-items, item-from-stream             the segments of an item that are known here, and in the stream, which knows all
 *   sound-queue, store-sound                 sound is written behind what is quick
 *   conclude-item                            the one terminal event of an item
 */
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Bus, createConsumer, type Delivery, deadLetter, retryDelayMs } from "@parlance/bus";
import {
  durables,
  type ItemAddress,
  type ItemDone,
  type Operation,
  parseResultSubject,
  type SegmentResult,
  type SegmentResults,
  SpeechError,
  streams,
  toSpeechError,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { BatchProgress } from "../batches/batch-progress.ts";
import type { ResultsMetrics } from "../results-metrics.ts";
import type { ConcludeItem } from "./conclude-item.ts";
import { type FoldedItem, foldWhole, itemFromStream, parseResult } from "./item-from-stream.ts";
import type { OpenItems } from "./open-items.ts";
import type { SoundQueue } from "./sound-queue.ts";

const PULL_SIZE = 128;
const PULLS_AT_ONCE = 2;
/** Who asks for a status waits for the turn of the event loop that goes on: this many take a few milliseconds. */
const ITEMS_A_TURN = 16;

export interface FoldResultsOptions {
  bus: Bus;
  openItems: OpenItems;
  concludeItem: ConcludeItem;
  progress: BatchProgress;
  soundQueue: SoundQueue;
  metrics: ResultsMetrics;
  log: Log;
  signal: AbortSignal;
  now: () => number;
}

interface Received {
  delivery: Delivery;
  n: number;
  /** Undefined until it is folded, and when the payload cannot be read. */
  result: SegmentResult | undefined;
}

/** Runs until the signal aborts; what was pulled by then is finished first. */
export async function foldResults(options: FoldResultsOptions): Promise<void> {
  const { bus, signal, log } = options;
  const working = new Set<Promise<void>>();
  const catchingUp = catchUp(options).catch((error: unknown) =>
    log.warn({ err: error }, "catching up failed; what is unfinished comes again by itself"),
  );
  const consumer = createConsumer({
    bus,
    sources: [
      {
        stream: streams.results,
        durable: durables.results,
        room: () => (working.size < PULLS_AT_ONCE ? PULL_SIZE : 0),
      },
    ],
    accept(received) {
      const work: Promise<void> = foldDeliveries(received, options).finally(() => {
        working.delete(work);
        consumer.poke();
      });
      working.add(work);
    },
    log,
  });
  if (!signal.aborted) await once(signal, "abort");
  await consumer.stop();
  await Promise.all([catchingUp, ...working]);
  await options.soundQueue.close();
  consumer.close();
}

/**
 * What a process that died had received comes again only when its acknowledgement timer is over, and somebody may be waiting for it: it is folded now, from the stream, and acknowledged when it comes.
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

interface Item {
  address: ItemAddress;
  received: Received[];
}

interface SettledItem extends Item {
  /** Whether its done event is stored. */
  concluded: boolean;
  error?: unknown;
}

/** Resolves when everything is settled but what is to be written as sound: that takes its time, behind what is quick. */
async function foldDeliveries(deliveries: readonly Delivery[], options: FoldResultsOptions): Promise<void> {
  const quick: Promise<SettledItem>[] = [];
  const foldOne = async (item: Item) => {
    const { value: folded, error } = await attempt(() => foldReceived(item, options));
    if (error !== undefined) quick.push(Promise.resolve({ ...item, concluded: false, error }));
    else if (folded?.sound === undefined) quick.push(settleItem(item, folded, options));
    else options.soundQueue.add(item.received, async () => finish([await settleItem(item, folded, options)], options));
  };
  const folding: Promise<void>[] = [];
  for (const [place, item] of itemsOf(deliveries).entries()) {
    if (place > 0 && place % ITEMS_A_TURN === 0) await nextTurn();
    folding.push(foldOne(item));
  }
  await Promise.all(folding);
  await finish(await Promise.all(quick), options);
}

function itemsOf(deliveries: readonly Delivery[]): Item[] {
  const items = new Map<string, Item>();
  for (const delivery of deliveries) {
    const parsed = parseResultSubject(delivery.subject);
    if (parsed === undefined) {
      delivery.term("not a result's subject");
      continue;
    }
    const key = `${parsed.batchId}.${parsed.itemId}`;
    const item = items.get(key) ?? { address: { batchId: parsed.batchId, itemId: parsed.itemId }, received: [] };
    items.set(key, item);
    item.received.push({ delivery, n: parsed.n, result: undefined });
  }
  return [...items.values()];
}

/** Checks the batches of what is concluded, each once, and acknowledges. */
async function finish(settled: readonly SettledItem[], options: FoldResultsOptions): Promise<void> {
  const { bus, log, metrics } = options;
  const concludedBatches = new Set(settled.filter((item) => item.concluded).map((item) => item.address.batchId));
  const checked = new Map(
    await Promise.all(
      [...concludedBatches].map(
        async (batchId) => [batchId, await attempt(() => options.progress.check(batchId))] as const,
      ),
    ),
  );

  await Promise.all(
    settled.map(async ({ address, received, ...outcome }) => {
      const error = outcome.error ?? checked.get(address.batchId)?.error;
      if (error !== undefined) log.warn({ err: error, ...address }, "folding failed; it will be tried again");
      await Promise.all(
        received.map(async ({ delivery, n, result }) => {
          if (error !== undefined) {
            // What waits for room is not at fault: the janitor makes some now and then, and who comes seldom finds it taken.
            const isFull = toSpeechError(error).code === "queue_full";
            delivery.nak(retryDelayMs(isFull ? 1 : delivery.deliveries));
            return;
          }
          metrics.folded.inc();
          const finishing =
            result === undefined
              ? deadLetter(bus, delivery, {
                  service: "results",
                  reason: "unreadable result",
                  address: { ...address, n },
                })
              : delivery.ack();
          await finishing.catch((lost: unknown) => log.debug({ err: lost }, "an ack did not arrive; it comes again"));
        }),
      );
    }),
  );
}

/** Never throws. */
async function settleItem(
  item: Item,
  folded: FoldedItem | undefined,
  { concludeItem, openItems, progress, metrics }: FoldResultsOptions,
): Promise<SettledItem> {
  if (folded === undefined) return { ...item, concluded: false };
  const { value, error } = await attempt(() => concludeItem(folded.done, folded.sound));
  if (value === undefined) return { ...item, concluded: false, error };
  openItems.drop(keyOf(item.address));
  // Another writer's event may say otherwise than ours: only the stream knows, so a duplicate is not remembered.
  if (value.first) {
    progress.concluded(item.address.batchId, item.address.itemId, value.said);
    metrics.concluded.inc({ status: value.said.status });
  }
  return { ...item, concluded: true };
}

async function foldReceived(
  { address, received }: Item,
  { bus, openItems, now, log }: FoldResultsOptions,
): Promise<FoldedItem | undefined> {
  let known: SegmentResults = new Map();
  for (const each of received) each.result = parseResult(each.delivery);
  for (const { delivery, n, result } of received) {
    if (result === undefined) {
      log.error({ subject: delivery.subject, seq: delivery.seq }, "a result cannot be read");
      const operation = received.find((each) => each.result !== undefined)?.result?.operation ?? "transcribe";
      return { done: unreadableItem(address, operation, now()) };
    }
    // Most items are one segment: they never enter the cache.
    const alone = n === 0 && result.last;
    known = alone ? new Map([[0, result]]) : openItems.add(keyOf(address), n, result, delivery.data.length);
  }
  return foldWhole(address, known) ?? itemFromStream(bus, address, known);
}

function unreadableItem(address: ItemAddress, operation: Operation, now: number): ItemDone {
  const error = new SpeechError("internal", "A segment's result could not be read.").toFailure();
  return { ...address, operation, status: "error", error, finishedAt: now };
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
