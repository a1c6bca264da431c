/** Puts a message that cannot be handled aside, with the reason and all that is needed to run it again. */
import { deadLetterReasonHeader, deadLetterSubjectHeader, streams, subjects } from "@parlance/contracts";
import type { Bus, Delivery, HeaderPairs, MessageHeaders } from "./types.ts";

export interface DeadLetter {
  service: string;
  reason: string;
  /** Whom it concerns; tokens that the message does not tell are "unknown". */
  address: { batchId?: string | undefined; itemId?: string | undefined; n?: number | undefined };
}

export const deadLetterSeqHeader = "Parlance-Dead-Seq";
export const deadLetterDeliveriesHeader = "Parlance-Dead-Deliveries";
/** Present when the payload did not fit beside the added headers: read it from its stream by the sequence. */
export const deadLetterOmittedHeader = "Parlance-Dead-Payload-Omitted";

const MAX_REASON = 1_000;
/** What the header block of the protocol adds to names and values. */
const HEADER_OVERHEAD = 64;

/** Stores the dead letter, then terminates the delivery: were the order the other way, a crash would lose the message. */
export async function deadLetter(
  bus: Bus,
  delivery: Delivery,
  { service, reason, address }: DeadLetter,
): Promise<void> {
  const subject = subjects.dead(service, address.batchId ?? "unknown", address.itemId ?? "unknown", address.n ?? 0);
  const oneLine = reason.replace(/[\r\n]+/g, " ").slice(0, MAX_REASON);
  const pairs: HeaderPairs = [
    ...originalHeaders(delivery.headers),
    [deadLetterReasonHeader, oneLine],
    [deadLetterSubjectHeader, delivery.subject],
    [deadLetterSeqHeader, String(delivery.seq)],
    [deadLetterDeliveriesHeader, String(delivery.deliveries)],
  ];
  const fits = delivery.data.byteLength + bytesOf(pairs) <= bus.maxPayload;
  await bus.publishOnce(subject, fits ? delivery.data : "", {
    headers: fits ? pairs : [...pairs, [deadLetterOmittedHeader, String(delivery.data.byteLength)]],
    messageId: `${streams.dead}.${service}.${delivery.subject}.${delivery.seq}`,
  });
  delivery.term(oneLine);
}

/** All headers but the server's own: a message id or an expected sequence must not act a second time. */
export function originalHeaders(headers: MessageHeaders): HeaderPairs {
  return headers
    .keys()
    .filter((name) => !/^nats-/i.test(name))
    .map((name) => [name, headers.get(name)] as const);
}

function bytesOf(pairs: HeaderPairs): number {
  return pairs.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + ": \r\n".length,
    HEADER_OVERHEAD,
  );
}
