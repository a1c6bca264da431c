/**
 * A key-value bucket in the layout of NATS KV (ADR-8), so that every NATS tool reads it. It does not use the client library's,
 * because its writes must go through the same retries with one id as every other write here, and its watch must not miss
 * what happens while a server restarts.
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { nuid } from "nats";
import { type Cursor, openCursor } from "./cursor.ts";
import type { Link } from "./link.ts";
import { store } from "./publish-once.ts";
import { readStream } from "./read.ts";
import type { HeaderPairs, KeyBucket, KeyEntry, KeyEvent, MessageHeaders } from "./types.ts";
import { untilAnswered } from "./until-answered.ts";

const deletion: HeaderPairs = [["KV-Operation", "DEL"]];
const WATCH_PULL_MS = 10_000;
const WATCH_MESSAGES = 64;

export function createKeyBucket(link: Link, name: string): KeyBucket {
  const stream = `KV_${name}`;
  const prefix = `$KV.${name}.`;

  /** Read from the stream's leader: a follower may still show what the leader has expired. */
  async function newest(key: string): Promise<StoredMsg | undefined> {
    const found = await untilAnswered(link, `Reading ${key} of bucket ${name}`, () =>
      link.jsm.streams.getMessage(stream, { last_by_subj: `${prefix}${key}` }),
    );
    return found ?? undefined;
  }

  async function write(
    key: string,
    value: Uint8Array | string,
    expectedSequence?: number,
    headers?: HeaderPairs,
  ): Promise<number | undefined> {
    const result = await store(link, `${prefix}${key}`, value, { expectedSequence, headers, messageId: nuid.next() });
    return result.stored ? result.seq : undefined;
  }

  return {
    async get(key) {
      const found = await newest(key);
      return found && !isGone(found.header) ? entryOf(key, found) : undefined;
    },
    async create(key, value) {
      const revision = await write(key, value, 0);
      if (revision !== undefined) return revision;
      const found = await newest(key);
      // A key that expired or was deleted may still hold its marker, which is the sequence to write over.
      return found && !isGone(found.header) ? undefined : await write(key, value, found?.seq ?? 0);
    },
    async put(key, value) {
      const revision = await write(key, value);
      if (revision === undefined) throw new Error("a write that expects nothing was refused");
      return revision;
    },
    update: (key, value, revision) => write(key, value, revision),
    async delete(key, revision) {
      return (await write(key, "", revision, deletion)) !== undefined;
    },
    watch: (keys, signal) => watch(link, name, keys, signal),
    async keys(filter) {
      const found: string[] = [];
      const subject = `${prefix}${filter}`;
      for await (const message of readStream(link, { stream, subject, headersOnly: true, lastPerSubject: true })) {
        if (!isGone(message.headers)) found.push(message.subject.slice(prefix.length));
      }
      return found;
    },
  };
}

function entryOf(key: string, message: StoredMsg): KeyEntry {
  return { key, value: message.data, revision: message.seq, time: message.time.getTime() };
}

/** A delete or purge marker of a client, or the server's own for what has expired. */
function isGone(headers: MessageHeaders | undefined): boolean {
  if (!headers) return false;
  const operation = headers.get("KV-Operation");
  return operation === "DEL" || operation === "PURGE" || headers.has("Nats-Marker-Reason");
}

/**
 * Every opening of the cursor begins with the newest entry of each key. After a loss, what was told already is skipped, and
 * keys that are no longer there (expired without a marker, while nobody looked) are told as gone.
 */
async function* watch(link: Link, name: string, keys: string, signal: AbortSignal): AsyncGenerator<KeyEvent, void> {
  const stream = `KV_${name}`;
  const prefix = `$KV.${name}.`;
  const filter = [`${prefix}${keys}`];
  const known = new Map<string, number>();
  let newestSeq = 0;
  let cursor: Cursor | undefined;
  try {
    while (!signal.aborted && !link.closed) {
      if (!cursor) {
        cursor = await openCursor(link, { stream, filter, lastPerSubject: true }, signal);
        for (const [key, revision] of await vanished(link, stream, filter[0] ?? "", prefix, known)) {
          known.delete(key);
          yield { kind: "gone", key, revision };
        }
      }
      const { messages, lost } = await cursor.next(WATCH_MESSAGES, WATCH_PULL_MS, signal);
      for (const message of messages) {
        if (message.seq <= newestSeq) continue;
        newestSeq = message.seq;
        const key = message.subject.slice(prefix.length);
        const { seq: revision, data: value, time } = message;
        if (isGone(message.headers)) {
          known.delete(key);
          yield { kind: "gone", key, revision };
        } else {
          known.set(key, revision);
          yield { kind: "put", key, value, revision, time };
        }
      }
      if (lost) {
        cursor.close();
        cursor = undefined;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    cursor?.close();
  }
}

async function vanished(
  link: Link,
  stream: string,
  filter: string,
  prefix: string,
  known: ReadonlyMap<string, number>,
): Promise<[key: string, revision: number][]> {
  if (known.size === 0) return [];
  const info = await untilAnswered(link, `Listing ${stream}`, () =>
    link.jsm.streams.info(stream, { subjects_filter: filter }),
  );
  const present = info.state.subjects ?? {};
  return [...known].filter(([key]) => !(`${prefix}${key}` in present));
}
