/** What the server says of its streams and consumers. */
import { ACK_WAIT_MS, SpeechError } from "@parlance/contracts";
import { millis } from "nats";
import type { Link } from "../link/link.ts";
import { isDeleted, isMissing } from "../link/server-error.ts";
import { askInfo, hasOneKeeper, requireLeader } from "../link/stream-info.ts";
import { type RetryOptions, untilAnswered } from "../link/until-answered.ts";
import type { ConsumerState, LastOptions, StoredMessage, StreamState } from "./messages.ts";
import { askAny, askLeader, askWhetherNone } from "./stored-message.ts";

export async function lastMessage(
  link: Link,
  stream: string,
  subject: string,
  { anyReplica = false, timeoutMs }: LastOptions = {},
): Promise<StoredMessage | undefined> {
  return await (anyReplica ? askAny : askLeader)(link, stream, { last_by_subj: subject }, { timeoutMs });
}

export async function messageAt(link: Link, stream: string, seq: number): Promise<StoredMessage | undefined> {
  return await askLeader(link, stream, { seq });
}

export async function firstMessage(
  link: Link,
  stream: string,
  subject: string,
  from: { seq: number } | { time: Date },
): Promise<StoredMessage | undefined> {
  if ("seq" in from) return await askLeader(link, stream, { next_by_subj: subject, seq: from.seq });
  if ((link.nc.info?.api_lvl ?? 0) >= 1) {
    return await askLeader(link, stream, { next_by_subj: subject, start_time: from.time.toISOString() });
  }
  return await searchByTime(link, stream, subject, from.time.getTime());
}

/** Servers before 2.11 find nothing by time; messages lie in its order. */
async function searchByTime(
  link: Link,
  stream: string,
  subject: string,
  time: number,
): Promise<StoredMessage | undefined> {
  const { firstSeq, lastSeq } = await streamState(link, stream);
  let found: StoredMessage | undefined;
  let low = firstSeq;
  let high = lastSeq + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const message = await askLeader(link, stream, { next_by_subj: subject, seq: middle });
    if (message !== undefined && message.time < time) low = message.seq + 1;
    else {
      if (message !== undefined) found = message;
      high = middle;
    }
  }
  return found;
}

export async function countSubjects(link: Link, stream: string, filter: string): Promise<Map<string, number>> {
  const { state } = await askInfo(link, stream, { subject: filter });
  return new Map(Object.entries(state.subjects ?? {}));
}

/** Where it cannot be told it may be, whatever the reason: who needs to know asks in another way, and hears of the trouble. */
export async function hasNone(link: Link, stream: string, subjects: readonly string[]): Promise<boolean> {
  if ((link.nc.info?.api_lvl ?? 0) < 1 || !hasOneKeeper(link, stream)) return false;
  return await askWhetherNone(link, stream, subjects).catch(() => false);
}

export async function streamState(link: Link, stream: string, retry?: RetryOptions): Promise<StreamState> {
  const { state, config } = await askInfo(link, stream, retry);
  return {
    messages: state.messages,
    bytes: state.bytes,
    maxBytes: config.max_bytes,
    maxAgeMs: millis(config.max_age),
    firstSeq: state.first_seq,
    lastSeq: state.last_seq,
    consumers: state.consumer_count,
  };
}

/**
 * The server's acknowledgement floor stands still on a lane where nothing happens, so a floor is worked out: with nothing
 * delivered and unacknowledged, all that lies before the first message still to be delivered is done.
 */
export async function consumerState(link: Link, stream: string, durable: string): Promise<ConsumerState> {
  // The stream before the consumer: what arrives in between is then pending, never taken for done.
  const { lastSeq } = await streamState(link, stream);
  const info = await untilAnswered(link, `Asking for consumer ${durable} of ${stream}`, async () => {
    try {
      const found = await link.jsm.consumers.info(stream, durable);
      requireLeader(`consumer ${durable}`, found);
      return found;
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new SpeechError("internal", `Stream ${stream} has no consumer ${durable}: make the topology first.`, {
        cause: error,
      });
    }
  });
  const { num_pending: pending, num_ack_pending: ackPending } = info;
  return { pending, ackPending, ackFloor: await floor(), delivered: info.delivered.stream_seq };

  async function floor(): Promise<number> {
    if (ackPending > 0) return info.ack_floor.stream_seq;
    if (pending === 0) return lastSeq;
    const from = info.delivered.stream_seq + 1;
    const filter = info.config.filter_subject ?? ">";
    const next = await askAny(link, stream, { seq: from, next_by_subj: filter });
    return next ? next.seq - 1 : info.delivered.stream_seq;
  }
}

const ACK_WAIT_ANSWER_MS = 2_000;

export async function ackWait(link: Link, stream: string, durable: string): Promise<number> {
  try {
    const { config } = await untilAnswered(
      link,
      `Asking for consumer ${durable} of ${stream}`,
      () => link.jsm.consumers.info(stream, durable),
      { timeoutMs: ACK_WAIT_ANSWER_MS },
    );
    return config.ack_wait ? millis(config.ack_wait) : ACK_WAIT_MS;
  } catch (error) {
    link.log?.warn({ err: error, stream, durable }, "a durable does not tell its ack wait: it is taken for ours");
    return ACK_WAIT_MS;
  }
}

/** At least one of the two is given: nobody empties a stream. */
export async function purge(
  link: Link,
  stream: string,
  what: { seq: number; filter?: string | undefined } | { filter: string },
): Promise<number> {
  const { purged } = await untilAnswered(link, `Purging ${stream}`, () => link.jsm.streams.purge(stream, what));
  return purged;
}

export async function deleteMessage(link: Link, stream: string, seq: number): Promise<void> {
  await untilAnswered(link, `Deleting from ${stream}`, async () => {
    try {
      await link.jsm.streams.deleteMessage(stream, seq, false);
    } catch (error) {
      if (!isMissing(error) && !isDeleted(error)) throw error;
    }
  });
}
