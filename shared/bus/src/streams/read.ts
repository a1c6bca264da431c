/**
 * Reads what a stream holds now, without a consumer: a consumer delivers to any subject that its maker names, so no service may
 * make one. Messages are asked for one by one, or many with one request where the server can (2.11 and later).
 *
 * What is to be expected is the word of the stream's leader; messages come from any replica, which may lag behind. A replica's
 * "no more" is never an answer: what the leader knows of beyond it is asked of the leader. So a read that ends is whole, and one
 * that cannot be made whole throws `bus_unavailable`.
 */
import type { Link } from "../link/link.ts";
import { isUnavailable } from "../link/server-error.ts";
import { askInfo, hasOneKeeper } from "../link/stream-info.ts";
import type { ReadOptions, StoredMessage } from "./messages.ts";
import { askLeader, askReplica, type MessageQuery, type ReplicaAnswer } from "./stored-message.ts";

/** A segment's job is about 1 MB: a reader holds no more than a batch of `BATCH_BYTES`, and the message that goes beyond. */
const BATCH_BYTES = 2 * 1_048_576;
const BATCH_MESSAGES = 256;
/** The server refuses a request for the newest of more than 1,024 subjects. */
const SUBJECTS_AT_ONCE = 512;
/** Requests for single messages that are under way at a time. */
const REQUESTS_AT_ONCE = 16;

export async function* readStream(link: Link, options: ReadOptions): AsyncGenerator<StoredMessage, void> {
  const { stream, subject, lastPerSubject = false, toNewest = false, signal } = options;
  signal?.throwIfAborted();
  const needsNone = toNewest && !lastPerSubject && hasOneKeeper(link, stream);
  const outline = needsNone
    ? untilItsEnd
    : await askOutline(link, stream, lastPerSubject ? subject : undefined, signal);
  if (lastPerSubject && outline.subjects.size === 0) return;
  const reader = createReader(link, options, outline);
  // Where no subject has an older message the newest are all there is, and need not be collected to be put in order.
  const inOrder = !lastPerSubject || (reader.batches && outline.messages === outline.subjects.size);
  yield* inOrder ? readInOrder(reader, options, outline) : await readNewest(reader, outline.subjects, signal);
}

interface Outline {
  /** Newest sequence of the whole stream. */
  lastSeq: number;
  /** False where only the leader may be asked. */
  replicas: boolean;
  /** The leader is the only one that there is. */
  alone: boolean;
  /** Under the subject that was asked for; empty where none was. */
  subjects: ReadonlySet<string>;
  /** Of these subjects. */
  messages: number;
}

async function askOutline(
  link: Link,
  stream: string,
  subject: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Outline> {
  const { config, state } = await askInfo(link, stream, { subject, signal });
  const counts = Object.entries(state.subjects ?? {});
  return {
    lastSeq: state.last_seq,
    replicas: config.allow_direct,
    alone: config.num_replicas === 1,
    subjects: new Set(counts.map(([name]) => name)),
    messages: counts.reduce((sum, [, count]) => sum + count, 0),
  };
}

/** What need not be asked of a stream that one server has: where that says that there is no more, there is none. */
const untilItsEnd: Outline = {
  lastSeq: Number.POSITIVE_INFINITY,
  replicas: true,
  alone: true,
  subjects: new Set(),
  messages: 0,
};

interface Reader {
  /** Whether one request brings many messages. */
  readonly batches: boolean;
  /** Some messages from the sequence on, in order. None: the leader says that there are no more. */
  from(seq: number): Promise<StoredMessage[]>;
  /** The newest message of each subject, in no order. Subjects that are missing are gone. */
  newest(subjects: readonly string[]): Promise<StoredMessage[]>;
}

function createReader(link: Link, options: ReadOptions, outline: Outline): Reader {
  const { stream, subject, headersOnly = false, signal } = options;
  const retry = { signal };
  let replicas = outline.replicas;
  const batches = replicas && (link.nc.info?.api_lvl ?? 0) >= 1;

  async function leader(query: MessageQuery): Promise<StoredMessage[]> {
    const found = await askLeader(link, stream, query, retry);
    return found === undefined ? [] : [headersOnly ? { ...found, data: new Uint8Array() } : found];
  }

  /** What replicas have, as long as they answer: one that hangs, or was stopped, is a reason to turn to the leader for good. */
  async function replica(query: Parameters<typeof askReplica>[2]): Promise<ReplicaAnswer> {
    if (!replicas) return { messages: [] };
    try {
      return await askReplica(link, stream, query, { ...retry, headersOnly });
    } catch (error) {
      signal?.throwIfAborted();
      if (!isUnavailable(error)) throw error;
      replicas = false;
      return { messages: [] };
    }
  }

  async function singly(subjects: readonly string[], ask: (query: MessageQuery) => Promise<StoredMessage[]>) {
    const waiting = [...subjects];
    const found: StoredMessage[] = [];
    const work = async () => {
      try {
        for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
          found.push(...(await ask({ last_by_subj: name })));
        }
      } finally {
        // One that fails ends the others.
        waiting.length = 0;
      }
    };
    await Promise.all(Array.from({ length: Math.min(REQUESTS_AT_ONCE, subjects.length) }, work));
    return found;
  }

  /** The newest replica's answer was all that it had: the next question is the leader's. */
  let exhausted = false;

  return {
    batches,
    async from(seq) {
      const query = { next_by_subj: subject, seq };
      if (!exhausted) {
        const batch = batches && !options.oneByOne ? { batch: BATCH_MESSAGES, max_bytes: BATCH_BYTES } : {};
        const { messages: all, pending } = await replica({ ...query, ...batch });
        const messages = all.filter((message) => message.seq >= seq);
        exhausted = pending === 0 || messages.length === 0;
        if (messages.length > 0) return messages;
      }
      if (outline.alone && replicas) return [];
      // By the time the leader has answered, replicas may have caught up.
      exhausted = false;
      return await leader(query);
    },
    async newest(subjects) {
      const missing = new Set(subjects);
      const found: StoredMessage[] = [];
      const take = (messages: StoredMessage[]) => {
        const before = missing.size;
        for (const message of messages) if (missing.delete(message.subject)) found.push(message);
        return missing.size < before;
      };
      if (batches) {
        const more = async () => {
          const multi_last = [...missing].slice(0, SUBJECTS_AT_ONCE);
          return (await replica({ multi_last, batch: SUBJECTS_AT_ONCE, max_bytes: BATCH_BYTES })).messages;
        };
        while (missing.size > 0 && take(await more())) signal?.throwIfAborted();
      } else if (replicas) {
        take(await singly(subjects, async (query) => (await replica(query)).messages));
      }
      take(await singly([...missing], leader));
      return found;
    },
  };
}

async function* readInOrder(
  reader: Reader,
  { fromSeq = 1, lastPerSubject = false, signal }: ReadOptions,
  { lastSeq }: Outline,
): AsyncGenerator<StoredMessage, void> {
  let next = fromSeq;
  // Of a subject that is written meanwhile the newest message lies behind what was the end, and the older one may be gone.
  while (next <= lastSeq || lastPerSubject) {
    signal?.throwIfAborted();
    const messages = await reader.from(next);
    signal?.throwIfAborted();
    if (messages.length === 0) return;
    for (const message of messages) {
      if (message.seq > lastSeq && !lastPerSubject) return;
      yield message;
      signal?.throwIfAborted();
      next = message.seq + 1;
    }
  }
}

async function readNewest(
  reader: Reader,
  subjects: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<StoredMessage[]> {
  const found = await reader.newest([...subjects]);
  signal?.throwIfAborted();
  return found.sort((a, b) => a.seq - b.seq);
}
