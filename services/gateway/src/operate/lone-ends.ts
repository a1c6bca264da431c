/**
 * Batches that ended with their only done event, which nobody wrote a record of. Their stream is read backwards as far as somebody asks,
 * and each of its messages once: what a list costs then is what is new in it.
 */
import type { Bus, StoredMessage } from "@parlance/bus";
import {
  type BatchRecord,
  type DoneHeaders,
  doneHeadersSchema,
  headerNames,
  parseDoneSubject,
  readHeaders,
  streams,
  subjects,
} from "@parlance/contracts";
import type { Dated, Source } from "./newest-of-all.ts";

export interface EndedBatch extends Dated {
  record: BatchRecord;
  status: DoneHeaders["status"];
  /** Milliseconds since the epoch. */
  finishedAt: number;
}

export interface LoneEndsOptions {
  /** What is older is forgotten, and read again by who asks for it. Default 4,096. */
  mostKnown?: number;
  /** Messages that are read at first, and then eight times as many. Default 256. */
  window?: number;
}

const WIDER = 8;

export function createLoneEnds(
  bus: Pick<Bus, "read" | "streamState">,
  { mostKnown = 4_096, window: firstWindow = 256 }: LoneEndsOptions = {},
): Source<EndedBatch> {
  /** By their sequences. */
  let known = new Map<number, EndedBatch>();
  /** What lies from here on is known. */
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  let since = Number.POSITIVE_INFINITY;

  async function take(first: number, end: number): Promise<void> {
    let oldest: number | undefined;
    const subject = subjects.done("*", "*");
    for await (const message of bus.read({ stream: streams.results, subject, fromSeq: first, headersOnly: true })) {
      if (message.seq >= end) break;
      oldest ??= message.time;
      const ended = endOf(message);
      if (ended !== undefined) known.set(message.seq, ended);
    }
    // Whatever ended earlier was accepted earlier.
    since = Math.min(since, oldest ?? since);
  }

  async function reach(count: number, before: number): Promise<Awaited<ReturnType<Source<EndedBatch>>>> {
    const { firstSeq, lastSeq } = await bus.streamState(streams.results);
    from = Math.min(from, lastSeq + 1);
    if (to > 0 && lastSeq >= to) await take(to, lastSeq + 1);
    to = lastSeq + 1;
    const wholeSince = () => (from > firstSeq ? since : Number.NEGATIVE_INFINITY);
    const found = () => [...known.values()].filter(({ at }) => at >= wholeSince() && at < before);
    for (let window = firstWindow; from > firstSeq && found().length < count; window *= WIDER) {
      const lower = Math.max(firstSeq, from - window);
      await take(lower, from);
      from = lower;
    }
    for (const seq of known.keys()) if (seq < firstSeq) known.delete(seq);
    const answer = { found: found(), since: wholeSince() };
    forgetOldest();
    return answer;
  }

  function forgetOldest(): void {
    if (known.size <= mostKnown) return;
    const newest = [...known].sort(([a], [b]) => a - b).slice(-mostKnown);
    known = new Map(newest);
    const [oldest] = newest;
    if (oldest === undefined) return;
    from = oldest[0];
    since = oldest[1].finishedAt;
  }

  let turn: Promise<unknown> = Promise.resolve();
  return async (count, before) => {
    const answer = turn.then(() => reach(count, before));
    turn = answer.catch(() => undefined);
    return await answer;
  };
}

function endOf({ subject, headers, time }: StoredMessage): EndedBatch | undefined {
  if (parseDoneSubject(subject) === undefined || !headers.has(headerNames.batch)) return undefined;
  const { batch: record, status } = readHeaders(doneHeadersSchema, headers);
  return record && { id: record.batchId, at: record.acceptedAt, record, status, finishedAt: time };
}
