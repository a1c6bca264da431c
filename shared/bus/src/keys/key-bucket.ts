/**
 * A key-value bucket in the layout of NATS KV (ADR-8), so that every NATS tool reads it. It does not use the client library's,
 * because its writes must go through the same retries with one id as every other write here, and its watch must not miss
 * what happens while a server restarts.
 */
import { nuid } from "nats";
import type { Link } from "../link/link.ts";
import { store } from "../streams/publish-once.ts";
import { readStream } from "../streams/read.ts";
import { askLeader } from "../streams/stored-message.ts";
import type { HeaderPairs, KeyBucket, KeyEntry, StoredMessage } from "../types.ts";
import { isGone, watchKeys } from "./watch-keys.ts";

const deletion: HeaderPairs = [["KV-Operation", "DEL"]];

export function createKeyBucket(link: Link, name: string): KeyBucket {
  const stream = `KV_${name}`;
  const prefix = `$KV.${name}.`;

  /** Read from the stream's leader: a follower may still show what the leader has expired. */
  async function newest(key: string): Promise<StoredMessage | undefined> {
    return await askLeader(link, stream, { last_by_subj: `${prefix}${key}` });
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
      return found && !isGone(found.headers) ? entryOf(key, found) : undefined;
    },
    async create(key, value) {
      const revision = await write(key, value, 0);
      if (revision !== undefined) return revision;
      const found = await newest(key);
      // A key that expired or was deleted may still hold its marker, which is the sequence to write over.
      return found && !isGone(found.headers) ? undefined : await write(key, value, found?.seq ?? 0);
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
    watch: (keys, signal, lookMs) => watchKeys(link, name, keys, { signal, lookMs }),
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

function entryOf(key: string, { data: value, seq: revision, time }: StoredMessage): KeyEntry {
  return { key, value, revision, time };
}
