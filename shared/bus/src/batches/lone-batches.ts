/**
 * Batches of one item of one segment. They have no record in the notebook: what came in says what was asked, then their job does, then
 * their end, and each of the three stays until the next one is there. So they are looked for in that order: what goes on meanwhile is
 * met further on, and is not missed. Of a message that is acknowledged, what came of it tells; when that is forgotten, so is the batch.
 *
 *   INTAKE, the first message with the batch id → JOBS, a job with its record → RESULTS, a done event with it
 *
 * One that turns out to be more (its audio is long, it fails before it is a job) is written down before anything else is told of it; so is one
 * that is cancelled before it is a job. Who takes a job that nobody wants ends its batch before he acknowledges it.
 */
import {
  type BatchRecord,
  batchOfOneSchema,
  durables,
  parseJobSubject,
  readHeaders,
  streams,
  subjects,
} from "@parlance/contracts";
import type { MessageHeaders, StoredMessage } from "../streams/messages.ts";
import type { Bus } from "../types.ts";
import { recordOfArrival } from "./recorded-arrival.ts";

export type LoneReader = Pick<Bus, "consumerState" | "countSubjects" | "first" | "last">;

export interface LoneEnd {
  record: BatchRecord;
  event: StoredMessage;
}

/** Undefined for a batch that did not end so, or not yet. */
export async function loneEnd(bus: Pick<Bus, "last">, batchId: string): Promise<LoneEnd | undefined> {
  const event = await bus.last(streams.results, subjects.batchDone(batchId));
  const record = event && recordIn(event.headers);
  return record && event && { record, event };
}

/** What was asked of a batch that the notebook does not have. */
export async function findLone(bus: LoneReader, batchId: string): Promise<BatchRecord | undefined> {
  const ended = await loneEnd(bus, batchId);
  if (ended !== undefined) return ended.record;
  const arrival = await firstArrival(bus, batchId);
  const arrived = arrival && recordOfArrival(arrival);
  return arrived ?? (await recordBehindIntake(bus, batchId));
}

/** As its job, or its end, says it. */
export async function recordBehindIntake(bus: LoneReader, batchId: string): Promise<BatchRecord | undefined> {
  const job = await bus.last(streams.jobs, subjects.batchJobs(batchId));
  const ended = await loneEnd(bus, batchId);
  if (ended !== undefined || job === undefined) return ended?.record;
  if (await isUnfinished(bus, job)) return recordIn(job.headers);
  const since = (await loneEnd(bus, batchId))?.record;
  if (since !== undefined) return since;
  // What is too long for an end is a result, which says the same until its batch is written down.
  const result = await bus.last(streams.results, subjects.itemResults(batchId, "*"));
  return result && recordIn(result.headers);
}

async function isUnfinished(bus: LoneReader, { subject, seq }: StoredMessage): Promise<boolean> {
  const job = parseJobSubject(subject);
  return job !== undefined && seq > (await finishedUpTo(bus, streams.jobs, durables.worker(job.operation, job.lane)));
}

async function finishedUpTo(bus: LoneReader, stream: string, durable: string): Promise<number> {
  const { ackFloor, delivered } = await bus.consumerState(stream, durable);
  return Math.min(ackFloor, delivered);
}

/** The first unfinished message with a batch id, where it came before the one that is stored as `own`. */
export async function earlierArrival(
  bus: LoneReader,
  batchId: string,
  own: number,
): Promise<StoredMessage | undefined> {
  const counted = await Promise.all(arrivals(batchId).map((filter) => bus.countSubjects(streams.intake, filter)));
  const messages = counted.flatMap((some) => [...some.values()]).reduce((sum, count) => sum + count, 0);
  // It is there itself while it is worked on.
  if (messages <= 1) return undefined;
  const first = await firstArrival(bus, batchId);
  return first !== undefined && first.seq < own ? first : undefined;
}

async function firstArrival(bus: LoneReader, batchId: string): Promise<StoredMessage | undefined> {
  const seq = (await finishedUpTo(bus, streams.intake, durables.ingest)) + 1;
  const found = await Promise.all(arrivals(batchId).map((filter) => bus.first(streams.intake, filter, { seq })));
  return found.filter((message) => message !== undefined).sort((a, b) => a.seq - b.seq)[0];
}

/** Under whichever source. */
const arrivals = (batchId: string) => [subjects.intake("*", batchId), subjects.openIntake("*", batchId)];

function recordIn(headers: MessageHeaders): BatchRecord | undefined {
  return readHeaders(batchOfOneSchema, headers).batch;
}
