/**
 * Puts a message that cannot be handled aside, with the reason and all that is needed to run it again. It never fails for what
 * the message is: headers that leave no room are left out, and so is the payload, and the letter says so.
 */
import {
  deadLetterReasonHeader,
  deadLetterSubjectHeader,
  MAX_HEADER_BYTES,
  oneLine,
  streams,
  subjects,
} from "@parlance/contracts";
import type { Bus } from "../types.ts";
import type { Delivery, HeaderPairs, MessageHeaders } from "./messages.ts";

export interface DeadLetter {
  service: string;
  reason: string;
  /** Whom it concerns; tokens that the message does not tell are "unknown". */
  address: { batchId?: string | undefined; itemId?: string | undefined; n?: number | undefined };
}

export const deadLetterSeqHeader = "Parlance-Dead-Seq";
export const deadLetterDeliveriesHeader = "Parlance-Dead-Deliveries";
/** Present when the payload did not fit beside the headers, with its bytes: read it from its stream by the sequence. */
export const deadLetterOmittedHeader = "Parlance-Dead-Payload-Omitted";
/** Present when headers of the message were malformed or did not fit beside the added ones: what became of them. */
export const deadLetterHeadersHeader = "Parlance-Dead-Headers";

const MAX_REASON = 1_000;
/** For the line that begins the block, the message id that publishing adds, and what the letter says of what is left out. */
const RESERVED_BYTES = 1_024;

/** Stores the dead letter, then terminates the delivery: were the order the other way, a crash would lose the message. */
export async function deadLetter(
  bus: Bus,
  delivery: Delivery,
  { service, reason, address }: DeadLetter,
): Promise<void> {
  const subject = subjects.dead(service, address.batchId ?? "unknown", address.itemId ?? "unknown", address.n ?? 0);
  const messageId = `${streams.dead}.${service}.${delivery.subject}.${delivery.seq}`;
  const line = oneLine(reason).slice(0, MAX_REASON);
  const added: HeaderPairs = [
    [deadLetterReasonHeader, line],
    [deadLetterSubjectHeader, delivery.subject],
    [deadLetterSeqHeader, String(delivery.seq)],
    [deadLetterDeliveriesHeader, String(delivery.deliveries)],
  ];
  const room = MAX_HEADER_BYTES - RESERVED_BYTES - Buffer.byteLength(messageId) - bytesOf(added);
  const { kept, leftOut } = fitInto(room, originalHeaders(delivery.headers).filter(isNotOfLetters));
  const { malformed } = delivery.headers;
  const said = [
    ...(malformed === undefined ? [] : [`malformed: ${malformed}`]),
    ...(leftOut === 0 ? [] : [`${leftOut} did not fit`]),
  ].join("; ");
  const pairs: HeaderPairs = [...kept, ...added, ...(said === "" ? [] : [[deadLetterHeadersHeader, said] as const])];
  const { byteLength } = delivery.data;
  const fits = byteLength + bytesOf(pairs) + RESERVED_BYTES + Buffer.byteLength(messageId) <= bus.maxPayload;
  await bus.publishOnce(subject, fits ? delivery.data : "", {
    headers: fits ? pairs : [...pairs, [deadLetterOmittedHeader, String(byteLength)]],
    messageId,
  });
  delivery.term(line);
}

/** All headers but the server's own: a message id or an expected sequence must not act a second time. */
export function originalHeaders(headers: MessageHeaders): HeaderPairs {
  return headers
    .keys()
    .filter((name) => !/^nats-/i.test(name))
    .map((name) => [name, headers.get(name)] as const);
}

/** What a letter says of itself is not its sender's to say. */
function isNotOfLetters([name]: HeaderPairs[number]): boolean {
  return !/^parlance-dead-/i.test(name);
}

/** In their order, without those that are too large for what room is left. */
function fitInto(room: number, pairs: HeaderPairs): { kept: HeaderPairs; leftOut: number } {
  let left = room;
  const kept = pairs.filter((pair) => {
    const bytes = bytesOf([pair]);
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
  return { kept, leftOut: pairs.length - kept.length };
}

function bytesOf(pairs: HeaderPairs): number {
  return pairs.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + ": \r\n".length,
    0,
  );
}
