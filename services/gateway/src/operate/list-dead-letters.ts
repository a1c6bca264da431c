/** What was put aside, with the reason. */
import { type Bus, deadLetterDeliveriesHeader, deadLetterOmittedHeader, type StoredMessage } from "@parlance/bus";
import {
  type DeadLetterEntry,
  type DeadLetters,
  deadLetterReasonHeader,
  type ListQuery,
  streams,
  subjects,
} from "@parlance/contracts";
import { newestOf } from "./newest-of.ts";

const everyLetter = subjects.deadLetters;

export async function listDeadLetters(bus: Pick<Bus, "read" | "streamState">, query: ListQuery): Promise<DeadLetters> {
  const { firstSeq, lastSeq } = await bus.streamState(streams.dead);
  const { found, next } = await newestOf((seq) => deadLettersSince(bus, seq), { firstSeq, lastSeq, ...query });
  return { dead_letters: found, next };
}

/** Oldest first. A letter holds what it is about, and that may be audio: one at a time. */
export async function* deadLettersSince(bus: Pick<Bus, "read">, fromSeq: number): AsyncGenerator<DeadLetterEntry> {
  for await (const message of bus.read({ stream: streams.dead, subject: everyLetter, fromSeq, oneByOne: true }))
    yield toEntry(message);
}

function toEntry({ subject, seq, time, headers, data }: StoredMessage): DeadLetterEntry {
  const [, , service = "", batchId = "", itemId = "", n = "0"] = subject.split(".");
  const deliveries = Number.parseInt(headers.get(deadLetterDeliveriesHeader), 10);
  const omitted = Number.parseInt(headers.get(deadLetterOmittedHeader), 10);
  return {
    ...{ seq, at: new Date(time).toISOString(), service, batch_id: batchId, item_id: itemId },
    segment: Number.parseInt(n, 10) || 0,
    reason: headers.get(deadLetterReasonHeader),
    deliveries: Number.isNaN(deliveries) ? null : deliveries,
    bytes: Number.isNaN(omitted) ? data.byteLength : omitted,
  };
}
