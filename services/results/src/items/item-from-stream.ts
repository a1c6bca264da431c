/** Folds an item out of the stream, which holds every result of it, when this process has not received all of them. */
import type { Bus } from "@parlance/bus";
import {
  foldItem,
  type ItemAddress,
  type ItemDone,
  parseResultSubject,
  type SegmentResult,
  type SegmentResults,
  SpeechError,
  segmentResultSchema,
  streams,
  subjects,
} from "@parlance/contracts";
import { foldSound, type ItemSound } from "./fold-sound.ts";

/** An item that is to be concluded, and the sound that is to be written first. */
export interface FoldedItem {
  done: ItemDone;
  sound?: ItemSound;
}

/** Undefined while segments are missing. */
export function foldWhole(address: ItemAddress, results: SegmentResults): FoldedItem | undefined {
  const done = foldItem(address, results);
  const sound = done?.status === "done" ? foldSound(results) : undefined;
  return done && { done, ...(sound === undefined ? {} : { sound }) };
}

/** Undefined when the payload is not a segment's result. */
export function parseResult(message: { data: Uint8Array }): SegmentResult | undefined {
  try {
    return segmentResultSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
  } catch {
    return undefined;
  }
}

/**
 * Undefined while segments are missing. Other instances, and this one before it was started again, may have received
 * the rest; whoever receives the segment that was stored last finds all of them here. Payloads are read only when the
 * item is whole, so a long item costs one small request per pull until then.
 */
export async function itemFromStream(
  bus: Bus,
  address: ItemAddress,
  known: SegmentResults,
): Promise<FoldedItem | undefined> {
  const filter = subjects.itemResults(address.batchId, address.itemId);
  const stored = await bus.countSubjects(streams.results, filter);
  if (stored.size <= known.size) return undefined;
  const highest = Math.max(...[...stored.keys()].map((subject) => parseResultSubject(subject)?.n ?? 0));
  if (stored.size <= highest) return undefined;
  const newest = known.get(highest) ?? (await readResult(bus, address, highest));
  if (newest?.last !== true) return undefined;

  const results = new Map<number, SegmentResult>();
  let read = 0;
  for await (const message of bus.read({ stream: streams.results, subject: filter })) {
    read++;
    const n = parseResultSubject(message.subject)?.n;
    const result = parseResult(message);
    if (n !== undefined && result !== undefined) results.set(n, result);
  }
  // Fewer than were counted: nothing may be concluded, and nothing acknowledged.
  if (read < stored.size) throw new SpeechError("bus_unavailable", `Only ${read} of ${stored.size} results were read.`);
  return foldWhole(address, results);
}

async function readResult(bus: Bus, { batchId, itemId }: ItemAddress, n: number): Promise<SegmentResult | undefined> {
  const message = await bus.last(streams.results, subjects.result(batchId, itemId, n));
  return message && parseResult(message);
}
