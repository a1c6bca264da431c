/** Stores a message exactly once: the same id on every try, and the stream's own memory of ids or of its subjects. */
import { jetstream } from "@nats-io/jetstream";
import { headers, type MsgHdrs, nuid } from "nats";
import type { Link } from "../link/link.ts";
import { wrongLastSequence } from "../link/server-error.ts";
import { type RetryOptions, untilAnswered } from "../link/until-answered.ts";
import type { HeaderPairs, PublishOnceOptions, PublishReceipt } from "./messages.ts";

export interface StoreOptions extends RetryOptions {
  headers?: HeaderPairs | undefined;
  messageId?: string | undefined;
  /** Store only when this is the newest sequence of the subject; 0: when the subject holds nothing. */
  expectedSequence?: number | undefined;
}

export type Stored = ({ stored: true } & PublishReceipt) | { stored: false; lastSeq: number };

export async function publishOnce(
  link: Link,
  subject: string,
  payload: Uint8Array | string,
  { first, ...options }: PublishOnceOptions = {},
): Promise<PublishReceipt> {
  const result = await store(link, subject, payload, first ? { ...options, expectedSequence: 0 } : options);
  return result.stored ? { seq: result.seq, duplicate: result.duplicate } : { seq: result.lastSeq, duplicate: true };
}

/** The server looks at the id before it looks at the expected sequence: a retry of a stored message is a duplicate, never a refusal. */
export async function store(
  link: Link,
  subject: string,
  payload: Uint8Array | string,
  { headers: pairs, messageId, expectedSequence, ...retry }: StoreOptions = {},
): Promise<Stored> {
  const js = jetstream(link.nc);
  // Without an id a retry after a lost answer would store the message a second time.
  const msgID = messageId ?? nuid.next();
  const expect = expectedSequence === undefined ? {} : { expect: { lastSubjectSequence: expectedSequence } };
  return await untilAnswered(
    link,
    `Publishing on ${subject}`,
    async (timeout): Promise<Stored> => {
      try {
        const ack = await js.publish(subject, payload, { msgID, timeout, headers: headersOf(pairs), ...expect });
        link.seen.note(ack.stream, ack.seq);
        return { stored: true, seq: ack.seq, duplicate: ack.duplicate };
      } catch (error) {
        const lastSeq = wrongLastSequence(error);
        if (lastSeq === undefined) throw error;
        return { stored: false, lastSeq };
      }
    },
    retry,
  );
}

export function headersOf(pairs: HeaderPairs = []): MsgHdrs {
  const result = headers();
  for (const [name, value] of pairs) result.append(name, value);
  return result;
}
