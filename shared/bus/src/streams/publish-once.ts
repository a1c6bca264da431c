/** Stores a message exactly once: the same id on every try, and the stream's own memory of ids or of its subjects. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { nuid } from "nats";
import * as z from "zod";
import type { Link } from "../link/link.ts";
import { apiErrorSchema, wrongLastSequence } from "../link/server-error.ts";
import { type RetryOptions, untilAnswered } from "../link/until-answered.ts";
import { headersOf } from "./message-headers.ts";
import type { HeaderPairs, PublishOnceOptions, PublishReceipt } from "./messages.ts";

export interface StoreOptions extends RetryOptions {
  headers?: HeaderPairs | undefined;
  messageId?: string | undefined;
  /** Store only when this is the newest sequence of the subject; 0: when the subject holds nothing. */
  expectedSequence?: number | undefined;
}

export type Stored = ({ stored: true } & PublishReceipt) | { stored: false; lastSeq: number };

const MESSAGE_ID = "Nats-Msg-Id";
const EXPECTED_SEQUENCE = "Nats-Expected-Last-Subject-Sequence";
const utf8 = new TextDecoder();

const answerSchema = z.object({
  error: apiErrorSchema.optional(),
  stream: z.string().default(""),
  seq: z.number().default(0),
  duplicate: z.boolean().default(false),
});

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
  { headers: pairs = [], messageId, expectedSequence, ...retry }: StoreOptions = {},
): Promise<Stored> {
  // Without an id a retry after a lost answer would store the message a second time.
  const msgID = messageId ?? nuid.next();
  const expected = expectedSequence === undefined ? [] : [[EXPECTED_SEQUENCE, String(expectedSequence)] as const];
  const own = [[MESSAGE_ID, msgID] as const, ...expected];
  const others = pairs.filter(([name]) => name !== MESSAGE_ID);
  return await untilAnswered(
    link,
    `Publishing on ${subject}`,
    async (timeoutMs): Promise<Stored> => {
      try {
        const { data } = await link.ask(subject, payload, { timeoutMs, headers: headersOf([...others, ...own]) });
        const { error, stream, seq, duplicate } = answerSchema.parse(JSON.parse(utf8.decode(data)));
        if (error !== undefined) throw new JetStreamApiError(error);
        link.seen.note(stream, seq);
        return { stored: true, seq, duplicate };
      } catch (error) {
        const lastSeq = wrongLastSequence(error);
        if (lastSeq === undefined) throw error;
        return { stored: false, lastSeq };
      }
    },
    retry,
  );
}
