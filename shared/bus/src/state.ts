/** What the server says of its streams and consumers. */

import type { MsgRequest } from "@nats-io/jetstream";
import { SpeechError } from "@parlance/contracts";
import { headers } from "nats";
import type { Link } from "./link.ts";
import { isMissing } from "./server-error.ts";
import type { ConsumerState, StoredMessage, StreamState } from "./types.ts";
import { untilAnswered } from "./until-answered.ts";

export async function lastMessage(link: Link, stream: string, subject: string): Promise<StoredMessage | undefined> {
  return await fetchMessage(link, stream, { last_by_subj: subject });
}

export async function messageAt(link: Link, stream: string, seq: number): Promise<StoredMessage | undefined> {
  return await fetchMessage(link, stream, { seq });
}

async function fetchMessage(link: Link, stream: string, query: MsgRequest): Promise<StoredMessage | undefined> {
  const found = await untilAnswered(link, `Reading stream ${stream}`, () => link.jsm.streams.getMessage(stream, query));
  return found
    ? {
        subject: found.subject,
        headers: found.header ?? headers(),
        data: found.data,
        seq: found.seq,
        time: found.time.getTime(),
      }
    : undefined;
}

export async function countSubjects(link: Link, stream: string, filter: string): Promise<Map<string, number>> {
  const info = await untilAnswered(link, `Counting subjects of ${stream}`, () =>
    link.jsm.streams.info(stream, { subjects_filter: filter }),
  );
  return new Map(Object.entries(info.state.subjects ?? {}));
}

export async function streamState(link: Link, stream: string): Promise<StreamState> {
  const { state, config } = await untilAnswered(link, `Asking for stream ${stream}`, () =>
    link.jsm.streams.info(stream),
  );
  return {
    messages: state.messages,
    bytes: state.bytes,
    maxBytes: config.max_bytes,
    firstSeq: state.first_seq,
    lastSeq: state.last_seq,
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
      return await link.jsm.consumers.info(stream, durable);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new SpeechError("internal", `Stream ${stream} has no consumer ${durable}: make the topology first.`, {
        cause: error,
      });
    }
  });
  const { num_pending: pending, num_ack_pending: ackPending } = info;
  return { pending, ackPending, ackFloor: await floor() };

  async function floor(): Promise<number> {
    if (ackPending > 0) return info.ack_floor.stream_seq;
    if (pending === 0) return lastSeq;
    const from = info.delivered.stream_seq + 1;
    const filter = info.config.filter_subject ?? ">";
    const next = await untilAnswered(link, `Reading stream ${stream}`, () =>
      link.jsm.direct.getMessage(stream, { seq: from, next_by_subj: filter }),
    );
    return next ? next.seq - 1 : info.delivered.stream_seq;
  }
}

export async function purgeBelow(link: Link, stream: string, seq: number): Promise<number> {
  const { purged } = await untilAnswered(link, `Purging ${stream}`, () => link.jsm.streams.purge(stream, { seq }));
  return purged;
}
