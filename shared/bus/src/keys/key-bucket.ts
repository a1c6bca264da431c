/**
 * Key-value buckets: one kind of a bucket's keys, read and written by its schema. They lie in the layout of NATS KV (ADR-8), so that
 * every NATS tool reads them. The client library's are not used, because writes must go through the same retries with one id as every
 * other write here, and a watch must not miss what happens while a server restarts.
 */
import { type EntryKind, SpeechError } from "@parlance/contracts";
import { nuid } from "nats";
import type { Link } from "../link/link.ts";
import type { HeaderPairs, StoredMessage, StreamState } from "../streams/messages.ts";
import { store } from "../streams/publish-once.ts";
import { readStream } from "../streams/read.ts";
import { purge, streamState } from "../streams/state.ts";
import { askLeader } from "../streams/stored-message.ts";
import { isGone, watchKeys } from "./watch-keys.ts";

export interface KeyEntry<Value> {
  /** Without what all keys of its kind begin with, here and everywhere. */
  key: string;
  value: Value;
  revision: number;
  /** Milliseconds since the epoch. */
  time: number;
}

export type KeyEvent<Value> = ({ kind: "put" } & KeyEntry<Value>) | { kind: "gone"; key: string; revision: number };

/** Reading throws `internal` where a value is not what the kind's schema takes. */
export interface KeyBucket<Value> {
  get(key: string): Promise<KeyEntry<Value> | undefined>;
  /** Whatever its value is. */
  has(key: string): Promise<boolean>;
  /** The new revision, or undefined when the key is taken. */
  create(key: string, value: Value): Promise<number | undefined>;
  put(key: string, value: Value): Promise<number>;
  /** The new revision, or undefined when `revision` is not the key's newest. */
  update(key: string, value: Value, revision: number): Promise<number | undefined>;
  /** False when `revision` is given and is not the key's newest. */
  delete(key: string, revision?: number): Promise<boolean>;
  /** Deletes without a trace: nothing is left of the key, and no watch is told at once. */
  purge(key: string): Promise<void>;
  /**
   * What is there now, then every change, until the signal aborts. A change is told at once; one of which the message was lost,
   * and an expiry, within `lookMs`. Default 15 000.
   */
  watch(keys: string, signal: AbortSignal, lookMs?: number): AsyncIterable<KeyEvent<Value>>;
  keys(filter: string): Promise<string[]>;
  /** Of the whole bucket: how much it holds, and for how long. */
  state(retry?: { timeoutMs: number }): Promise<StreamState>;
}

const deletion: HeaderPairs = [["KV-Operation", "DEL"]];

/** The stream that holds a bucket. */
export const bucketStream = (bucket: string) => `KV_${bucket}`;

export function createKeyBucket<Value>(
  link: Link,
  { bucket, prefix: kind, schema }: EntryKind<Value>,
): KeyBucket<Value> {
  const stream = bucketStream(bucket);
  const prefix = `$KV.${bucket}.${kind}`;

  /** Read from the stream's leader: a follower may still show what the leader has expired. */
  async function newest(key: string): Promise<StoredMessage | undefined> {
    return await askLeader(link, stream, { last_by_subj: `${prefix}${key}` });
  }

  async function write(
    key: string,
    text: string,
    expectedSequence?: number,
    headers?: HeaderPairs,
  ): Promise<number | undefined> {
    const result = await store(link, `${prefix}${key}`, text, { expectedSequence, headers, messageId: nuid.next() });
    return result.stored ? result.seq : undefined;
  }

  function entryOf({ subject, data, seq: revision, time }: StoredMessage): KeyEntry<Value> {
    const parsed = schema.safeParse(jsonOf(data));
    if (!parsed.success) {
      const sentence = `The key ${subject.slice("$KV.".length)} cannot be read.`;
      throw new SpeechError("internal", sentence, { cause: parsed.error });
    }
    return { key: subject.slice(prefix.length), value: parsed.data, revision, time };
  }

  return {
    async get(key) {
      const found = await newest(key);
      return found && !isGone(found.headers) ? entryOf(found) : undefined;
    },
    async has(key) {
      const found = await newest(key);
      return found !== undefined && !isGone(found.headers);
    },
    async create(key, value) {
      const text = JSON.stringify(value);
      const revision = await write(key, text, 0);
      if (revision !== undefined) return revision;
      const found = await newest(key);
      // A key that expired or was deleted may still hold its marker, which is the sequence to write over.
      return found && !isGone(found.headers) ? undefined : await write(key, text, found?.seq ?? 0);
    },
    async put(key, value) {
      const revision = await write(key, JSON.stringify(value));
      if (revision === undefined) throw new Error("a write that expects nothing was refused");
      return revision;
    },
    update: (key, value, revision) => write(key, JSON.stringify(value), revision),
    async delete(key, revision) {
      return (await write(key, "", revision, deletion)) !== undefined;
    },
    async purge(key) {
      await purge(link, stream, { filter: `${prefix}${key}` });
    },
    async *watch(keys, signal, lookMs) {
      for await (const event of watchKeys(link, stream, `${prefix}${keys}`, { signal, lookMs })) {
        if (event.kind === "put") yield { kind: "put", ...entryOf(event.message) };
        else yield { kind: "gone", key: event.subject.slice(prefix.length), revision: event.revision };
      }
    },
    async keys(filter) {
      const found: string[] = [];
      const subject = `${prefix}${filter}`;
      for await (const message of readStream(link, { stream, subject, headersOnly: true, lastPerSubject: true })) {
        if (!isGone(message.headers)) found.push(message.subject.slice(prefix.length));
      }
      return found;
    },
    state: (retry) => streamState(link, stream, retry),
  };
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
