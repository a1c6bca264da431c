/**
 * Segment results → the one terminal event of their item. Pure: the same results in any order, however often delivered,
 * give the same event.
 *
 * An item is done when its last segment is known and none before it is missing. It has failed as soon as any segment
 * has; of several failures the earliest segment's is told.
 */
import type { ItemDone, SegmentResult } from "../messages/payloads.ts";
import { audioSecondsOf, foldTranscript, type OkResult } from "./fold-transcript.ts";

export interface ItemAddress {
  batchId: string;
  itemId: string;
}

/** Segment number → its result. */
export type SegmentResults = ReadonlyMap<number, SegmentResult>;

type SpokenResult = Extract<SegmentResult, { outcome: "spoken" }>;
type FailedResult = Extract<SegmentResult, { outcome: "failed" }>;

/** How many segments the item has, once its last one is known. */
export function segmentTotal(results: SegmentResults): number | undefined {
  for (const [n, result] of results) if (result.last) return n + 1;
  return undefined;
}

/** Undefined while segments are missing. */
export function foldItem(address: ItemAddress, results: SegmentResults): ItemDone | undefined {
  const inOrder = [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
  const failure = inOrder.find((result) => result.outcome === "failed");
  if (failure !== undefined) return failedItem(address, failure, inOrder);

  const total = segmentTotal(results);
  if (total === undefined || results.size < total) return undefined;
  const spoken = inOrder.filter((result) => result.outcome === "spoken");
  // Its sound is joined and written before the event is stored: see fold-sound.ts.
  if (spoken.length > 0) return { ...doneItem(address, spoken), ...seedOf(spoken) };
  return transcribedItem(
    address,
    inOrder.filter((result) => result.outcome === "ok"),
  );
}

function transcribedItem(address: ItemAddress, segments: readonly OkResult[]): ItemDone {
  return {
    ...doneItem(address, segments),
    transcript: foldTranscript(segments),
    audioSeconds: audioSecondsOf(segments),
  };
}

function doneItem({ batchId, itemId }: ItemAddress, segments: readonly (OkResult | SpokenResult)[]): ItemDone {
  const truncated = segments.some((segment) => segment.truncated);
  return {
    batchId,
    itemId,
    ...customId(segments),
    ...warnings(segments),
    operation: segments[0]?.operation ?? "transcribe",
    status: "done",
    ...times(segments),
    ...(segments[0] === undefined ? {} : { model: modelsOf(segments) }),
    segments: segments.length,
    ...ranBy(segments),
    ...(truncated ? { truncated } : {}),
    finishedAt: Math.max(...segments.map((segment) => segment.finishedAt)),
  };
}

function failedItem(
  { batchId, itemId }: ItemAddress,
  failure: FailedResult,
  segments: readonly SegmentResult[],
): ItemDone {
  return {
    batchId,
    itemId,
    ...customId(segments),
    ...warnings(segments),
    operation: failure.operation,
    status: failure.error.code === "cancelled" ? "cancelled" : "error",
    error: failure.error,
    ...times(segments),
    ...ranBy(segments),
    finishedAt: failure.finishedAt,
  };
}

function customId(segments: readonly SegmentResult[]): { customId?: string } {
  const named = segments.find((segment) => segment.customId !== undefined);
  return named?.customId === undefined ? {} : { customId: named.customId };
}

function warnings(segments: readonly SegmentResult[]): { warnings?: string[] } {
  const told = segments.find((segment) => segment.warnings !== undefined)?.warnings;
  return told === undefined ? {} : { warnings: told };
}

/** One for all of an item's segments. */
function seedOf(segments: readonly SpokenResult[]): { seed?: number } {
  const seed = segments[0]?.seed;
  return seed === undefined ? {} : { seed };
}

/** One, as a rule; of several, which were loaded one after another meanwhile, each. */
function modelsOf(segments: readonly { model: string }[]): string {
  return [...new Set(segments.map(({ model }) => model))].join(", ");
}

/** Absent where no worker told it: none ran, or those that did are of an older version. */
function ranBy(segments: readonly SegmentResult[]): Pick<ItemDone, "worker" | "attempts"> {
  const told = segments.filter(({ worker }) => worker !== undefined).sort((a, b) => b.finishedAt - a.finishedAt);
  const worker = told[0]?.worker;
  return worker === undefined ? {} : { worker, attempts: Math.max(...told.map(({ attempt = 1 }) => attempt)) };
}

/** Seconds from acceptance to the first pass, and from its beginning to the end of the last; absent when none ran. */
function times(segments: readonly SegmentResult[]): { queueSeconds?: number; runSeconds?: number } {
  const run = segments.filter((segment) => segment.startedAt !== undefined);
  if (run.length === 0) return {};
  const startedAt = Math.min(...run.map((segment) => segment.startedAt ?? 0));
  const submittedAt = Math.min(...run.map((segment) => segment.submittedAt));
  const finishedAt = Math.max(...run.map((segment) => segment.finishedAt));
  return {
    queueSeconds: Math.max(0, startedAt - submittedAt) / 1_000,
    runSeconds: Math.max(0, finishedAt - startedAt) / 1_000,
  };
}
