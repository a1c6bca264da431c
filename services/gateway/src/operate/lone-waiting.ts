/**
 * Batches of one segment that wait or run: known by their jobs, and before that by what came in. Both carry their audio, which the server
 * sends along, so only the newest are looked at, and each once: of a long backlog the others are told of when they have ended.
 */
import { type Bus, recordOfArrival, type StoredMessage } from "@parlance/bus";
import {
  type BatchRecord,
  batchOfOneSchema,
  durables,
  headerNames,
  lanes,
  parseJobSubject,
  readHeaders,
  streams,
  subjects,
} from "@parlance/contracts";
import type { Dated, Source } from "./newest-of-all.ts";

export interface WaitingBatch extends Dated {
  record: BatchRecord;
}

type Reads = Pick<Bus, "read" | "streamState" | "consumerState">;

/** Messages of each stream. */
const MOST_LOOKED_AT = 64;

export function createLoneWaiting(bus: Reads): Source<WaitingBatch> {
  const arrivals = followEnd(bus, { stream: streams.intake, subject: subjects.allIntake }, recordOfArrival);
  const jobs = followEnd(
    bus,
    { stream: streams.jobs, subject: "speech.job.transcribe.>", headersOnly: true },
    recordOf,
  );

  async function finishedUpTo(stream: string, durable: string): Promise<number> {
    const { ackFloor, delivered } = await bus.consumerState(stream, durable);
    return Math.min(ackFloor, delivered);
  }

  return async (_, before) => {
    // What is taken in meanwhile is met again as a job.
    const arrived = await arrivals(await finishedUpTo(streams.intake, durables.ingest));
    const floors = new Map(
      await Promise.all(
        lanes.map(
          async (lane) => [lane, await finishedUpTo(streams.jobs, durables.worker("transcribe", lane))] as const,
        ),
      ),
    );
    const queued = (await jobs(Math.min(...floors.values()))).filter(({ subject, seq }) => {
      const lane = parseJobSubject(subject)?.lane;
      return lane !== undefined && seq > (floors.get(lane) ?? 0);
    });
    const found = [...arrived, ...queued]
      .map(({ record }): WaitingBatch => ({ id: record.batchId, at: record.acceptedAt, record }))
      .filter(({ at }) => at < before);
    return { found, since: Number.NEGATIVE_INFINITY };
  };
}

function recordOf({ headers }: StoredMessage): BatchRecord | undefined {
  return headers.has(headerNames.batch) ? readHeaders(batchOfOneSchema, headers).batch : undefined;
}

interface Seen {
  subject: string;
  seq: number;
  record: BatchRecord;
}

/** The newest messages that have a record, beyond a sequence. */
function followEnd(
  bus: Reads,
  from: { stream: string; subject: string; headersOnly?: boolean },
  recordIn: (message: StoredMessage) => BatchRecord | undefined,
): (finished: number) => Promise<Seen[]> {
  const seen = new Map<number, Seen>();
  let next = 1;
  return async (finished) => {
    const { lastSeq } = await bus.streamState(from.stream);
    const lowest = Math.max(finished, lastSeq - MOST_LOOKED_AT) + 1;
    const fromSeq = Math.max(lowest, next);
    if (fromSeq <= lastSeq) {
      for await (const message of bus.read({ ...from, fromSeq })) {
        const record = recordIn(message);
        const { subject, seq } = message;
        if (record !== undefined) seen.set(seq, { subject, seq, record });
        next = Math.max(next, seq + 1);
      }
    }
    for (const seq of seen.keys()) if (seq < lowest) seen.delete(seq);
    return [...seen.values()];
  };
}
