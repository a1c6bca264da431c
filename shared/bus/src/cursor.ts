/**
 * A position in a stream: an ephemeral consumer without acknowledgements, made again where it stopped whenever it is
 * lost (a server restart ends every ephemeral consumer). `read` and the key bucket's `watch` are made of it.
 */
import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { headers, type Msg, nanos, nuid } from "nats";
import { type DeliveryInfo, parseReply } from "./delivery.ts";
import type { Link } from "./link.ts";
import { pullOnce } from "./pull.ts";
import type { StoredMessage } from "./types.ts";
import { untilAnswered } from "./until-answered.ts";

export interface CursorOptions {
  stream: string;
  filter: string[];
  fromSeq?: number | undefined;
  fromTime?: Date | undefined;
  headersOnly?: boolean | undefined;
  lastPerSubject?: boolean | undefined;
}

export interface Cursor {
  /** Messages that the stream held for the filter when the cursor was opened. */
  readonly waiting: number;
  /** As soon as there are any. `lost`: the consumer is gone; open another one. */
  next(max: number, waitMs: number, signal?: AbortSignal): Promise<{ messages: CursorMessage[]; lost: boolean }>;
  close(): void;
}

export interface CursorMessage extends StoredMessage {
  pending: number;
}

/** Time after which the server forgets a cursor that nobody pulls from. */
const FORGOTTEN_AFTER_MS = 30_000;

export async function openCursor(link: Link, options: CursorOptions, signal?: AbortSignal): Promise<Cursor> {
  const { stream, filter } = options;
  const info = await untilAnswered(
    link,
    `Reading stream ${stream}`,
    () => link.jsm.consumers.add(stream, { ...configOf(options), name: `cursor_${nuid.next()}` }),
    { signal },
  );
  return {
    waiting: info.num_pending,
    async next(max, waitMs, pullSignal) {
      const { messages, end } = await pullOnce(link, {
        stream,
        consumer: info.name,
        max,
        waitMs,
        signal: pullSignal,
      });
      return {
        messages: messages.flatMap(toCursorMessage),
        lost: end === "disconnected" || end === "silent" || end === "no-consumer",
      };
    },
    close() {
      if (link.connected && !link.closed) link.jsm.consumers.delete(stream, info.name).catch(() => {});
    },
  };

  function configOf({ fromSeq, fromTime, headersOnly, lastPerSubject }: CursorOptions): Partial<ConsumerConfig> {
    const start: Partial<ConsumerConfig> = lastPerSubject
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : fromTime
        ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: fromTime.toISOString() }
        : fromSeq
          ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: fromSeq }
          : { deliver_policy: DeliverPolicy.All };
    const [only = ">", ...more] = filter;
    return {
      ...start,
      ...(more.length > 0 ? { filter_subjects: filter } : { filter_subject: only }),
      ack_policy: AckPolicy.None,
      headers_only: headersOnly ?? false,
      inactive_threshold: nanos(FORGOTTEN_AFTER_MS),
      mem_storage: true,
      num_replicas: 1,
    };
  }
}

function toCursorMessage(message: Msg): CursorMessage[] {
  const info = parseReply(message.reply);
  return info ? [{ ...toStored(message, info), pending: info.pending }] : [];
}

export function toStored(message: Msg, info: DeliveryInfo): StoredMessage {
  return {
    subject: message.subject,
    headers: message.headers ?? headers(),
    data: message.data,
    seq: info.seq,
    time: info.time,
  };
}
