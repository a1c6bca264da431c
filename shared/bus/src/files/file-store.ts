/**
 * Files in an object store bucket, in its public layout (ADR-20): chunks on `$O.<bucket>.C.<nuid>`, one JSON
 * description on `$O.<bucket>.M.<name in base64url>`, so that every NATS tool reads them. The client library's object
 * store is not used. A chunk that it publishes is lost with the connection. It reads a whole object into memory, and
 * waits for ever for chunks that are gone (nats.js reads them by a push consumer that has no end). Here a chunk is
 * retried under its own id, reading pulls, and a missing chunk is an error.
 */
import { createHash } from "node:crypto";
import { SpeechError } from "@parlance/contracts";
import { nuid } from "nats";
import type { Link } from "../link/link.ts";
import { untilAnswered } from "../link/until-answered.ts";
import { store } from "../streams/publish-once.ts";
import { readStream } from "../streams/read.ts";
import { countSubjects, streamState } from "../streams/state.ts";
import { askLeader } from "../streams/stored-message.ts";
import { countBytes, inChunks, readChunks } from "./file-chunks.ts";
import { createFileParts } from "./file-parts.ts";
import { FILE_CHUNK_BYTES, type FileInfo, type FileStore } from "./files.ts";
import { base64url, describeNew, infoOf, parseObject, type StoredObject } from "./stored-object.ts";

export function createFileStore(link: Link, bucket: string): FileStore {
  const stream = `OBJ_${bucket}`;
  const chunkSubject = (id: string) => `$O.${bucket}.C.${id}`;
  const metaSubject = (name: string) => `$O.${bucket}.M.${base64url(name)}`;

  async function describe(id: string): Promise<StoredObject | undefined> {
    const found = await askLeader(link, stream, { last_by_subj: metaSubject(id) });
    const object = found && parseObject(found);
    return object?.deleted ? undefined : object;
  }

  async function purge(subject: string): Promise<void> {
    await untilAnswered(link, `Deleting from bucket ${bucket}`, () =>
      link.jsm.streams.purge(stream, { filter: subject }),
    );
  }

  async function keep(subject: string, payload: Uint8Array | string, messageId: string, rollup = false): Promise<void> {
    try {
      const headers = rollup ? ([["Nats-Rollup", "sub"]] as const) : undefined;
      await store(link, subject, payload, { messageId, headers });
    } catch (error) {
      // A full bucket is a full disk to the caller, not a queue that drains.
      if (error instanceof SpeechError && error.code === "queue_full") {
        throw new SpeechError("storage_full", undefined, { cause: error });
      }
      throw error;
    }
  }

  const parts = createFileParts({
    link,
    stream,
    chunkSubject,
    purge,
    async describe(id) {
      const object = await describe(id);
      return object && { info: infoOf(object), nuid: object.nuid };
    },
    finish: ({ info, nuid }, chunks, sha256) =>
      keep(metaSubject(info.id), describeNew(bucket, info, nuid, chunks, sha256), `${nuid}.meta`, true),
  });

  return {
    ...parts,
    async put({ id, contentType, filename, maxBytes }, content) {
      const chunksId = nuid.next();
      const subject = chunkSubject(chunksId);
      const hash = createHash("sha256");
      // One chunk at a time, while the next is read: readers take chunks in the stream's order, and of several that are tried
      // again after a lost connection any may come first.
      let sending = Promise.resolve();
      let chunks = 0;
      let size = 0;
      const createdAt = Date.now();
      try {
        const bounded = countBytes(content, (bytes) => {
          size += bytes;
          if (size > maxBytes) {
            throw new SpeechError("payload_too_large", `The file is larger than ${maxBytes} bytes.`);
          }
        });
        for await (const chunk of inChunks(
          bounded,
          Math.min(FILE_CHUNK_BYTES, link.nc.info?.max_payload ?? FILE_CHUNK_BYTES),
        )) {
          hash.update(chunk);
          await sending;
          sending = keep(subject, chunk, `${chunksId}.${chunks++}`);
          // Told of when the next chunk, or the end, waits for it.
          sending.catch(() => {});
        }
        await sending;
        const info: FileInfo = { id, bytes: size, contentType, filename, createdAt };
        await keep(
          metaSubject(id),
          describeNew(bucket, info, chunksId, chunks, hash.digest()),
          `${chunksId}.meta`,
          true,
        );
        return info;
      } catch (error) {
        await sending.catch(() => {});
        if (chunks > 0) await purge(subject).catch(() => {});
        throw error;
      }
    },

    async info(id) {
      const object = await describe(id);
      return object && infoOf(object);
    },

    async read(id, range) {
      const object = await describe(id);
      if (!object) return undefined;
      return { info: infoOf(object), content: readChunks(link, stream, chunkSubject(object.nuid), object, range) };
    },

    async delete(id) {
      const object = await describe(id);
      if (!object) return;
      // Chunks first: were this cut short, the description is still there for the next try.
      await purge(chunkSubject(object.nuid));
      await purge(metaSubject(id));
    },

    async list() {
      const files: FileInfo[] = [];
      for await (const message of readStream(link, { stream, subject: `$O.${bucket}.M.>`, lastPerSubject: true })) {
        const object = parseObject(message);
        if (!object.deleted) files.push(infoOf(object));
      }
      return files;
    },

    async *storedBefore(time) {
      // A description that is written again stands behind, and the one before is gone.
      for await (const message of readStream(link, { stream, subject: `$O.${bucket}.M.>` })) {
        // Of a moment that is yet to come, as a server's clock that was put back has left it: it says nothing of those behind.
        if (message.time >= Math.max(time, Date.now())) continue;
        if (message.time >= time) return;
        const object = parseObject(message);
        if (!object.deleted) yield infoOf(object);
      }
    },

    state: () => streamState(link, stream),

    async sweep(olderThanMs) {
      // Chunks before descriptions: a file that is finished in between is described by then.
      const parts = await countSubjects(link, stream, chunkSubject("*"));
      const described = new Set<string>();
      for await (const message of readStream(link, { stream, subject: `$O.${bucket}.M.>`, lastPerSubject: true })) {
        described.add(chunkSubject(parseObject(message).nuid));
      }
      let swept = 0;
      for (const subject of parts.keys()) {
        if (described.has(subject)) continue;
        const newest = await askLeader(link, stream, { last_by_subj: subject });
        if (newest === undefined || newest.time > Date.now() - olderThanMs) continue;
        await purge(subject);
        swept++;
      }
      return swept;
    },
  };
}
