/**
 * Files part by part, for callers that come with one request for each part: whole files in memory, and processes that must not die
 * meanwhile, are not needed. All that is known of an unfinished upload lies in the bucket: its parts, on a subject that follows from its
 * id, each saying where it ends. So any process takes the next part, and a part that comes again changes nothing.
 *
 * An upload is: parts in order, each stored only behind the one that it follows → finished, with a description like any file's.
 * One that is never finished has no description, and `sweep` takes its parts away.
 */
import { createHash } from "node:crypto";
import { SpeechError } from "@parlance/contracts";
import type { Link } from "../link/link.ts";
import { store } from "../streams/publish-once.ts";
import { readStream } from "../streams/read.ts";
import { askLeader } from "../streams/stored-message.ts";
import type { FileInfo, FileParts } from "./files.ts";

export interface DescribedFile {
  info: FileInfo;
  /** Names the subject of its chunks. */
  nuid: string;
}

export interface FilePartsOptions {
  link: Link;
  stream: string;
  chunkSubject(nuid: string): string;
  describe(id: string): Promise<DescribedFile | undefined>;
  /** Stores the description; from then on the file is there. */
  finish(file: DescribedFile, chunks: number, sha256: Buffer): Promise<void>;
  purge(subject: string): Promise<void>;
}

const END_HEADER = "Parlance-End";
/** Two parts that come at once for one place: the second looks again. */
const MOST_TRIES = 4;

/** Never the name of chunks that `put` has written: those are the client library's. */
const nuidOf = (id: string) => `upload-${id}`;

export function createFileParts(options: FilePartsOptions): FileParts {
  const { link, stream, chunkSubject, describe, purge } = options;

  async function append(id: string, offset: number, part: Uint8Array): Promise<number> {
    const subject = chunkSubject(nuidOf(id));
    if ((await describe(id)) !== undefined)
      throw new SpeechError("upload_incomplete", "The upload is finished already.");
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const last = await askLeader(link, stream, { last_by_subj: subject });
      const end = last === undefined ? 0 : Number(last.headers.get(END_HEADER));
      if (offset + part.byteLength <= end) return end;
      if (offset !== end) throw outOfStep(offset, end);
      const next = offset + part.byteLength;
      const stored = await store(link, subject, part, {
        messageId: `${nuidOf(id)}.${offset}`,
        headers: [[END_HEADER, String(next)]],
        expectedSequence: last?.seq ?? 0,
      });
      if (stored.stored && !stored.duplicate) return next;
    }
    throw new SpeechError("queue_full", "Several parts come for one place of the upload: send one after the other.");
  }

  return {
    async append(id, offset, part) {
      try {
        return await append(id, offset, part);
      } catch (error) {
        // A full bucket is a full disk to the caller, not a queue that drains.
        const full = error instanceof SpeechError && error.code === "queue_full" && error.cause !== undefined;
        throw full ? new SpeechError("storage_full", undefined, { cause: error }) : error;
      }
    },

    async finish({ id, contentType, filename, bytes, sha256 }) {
      const known = await describe(id);
      if (known !== undefined) return known.info;
      const subject = chunkSubject(nuidOf(id));
      const hash = createHash("sha256");
      let there = 0;
      let chunks = 0;
      for await (const { data } of readStream(link, { stream, subject })) {
        hash.update(data);
        there += data.byteLength;
        chunks += 1;
      }
      if (there !== bytes) {
        throw new SpeechError("upload_incomplete", `bytes: is ${bytes}, and ${there} bytes are stored`, {
          param: "bytes",
        });
      }
      const digest = hash.digest();
      if (sha256 !== undefined && digest.toString("hex") !== sha256) {
        await purge(subject);
        throw new SpeechError("upload_differs", undefined, { param: "sha256" });
      }
      const info: FileInfo = { id, bytes, contentType, filename, createdAt: Date.now() };
      await options.finish({ info, nuid: nuidOf(id) }, chunks, digest);
      return info;
    },

    async readPart(id, cursor) {
      const file = await describe(id);
      if (file === undefined) return undefined;
      const { info, nuid } = file;
      const { seq, offset } = parseCursor(cursor);
      if (info.bytes === 0) return { info, offset: 0, data: new Uint8Array(), next: undefined };
      const found = await askLeader(link, stream, { next_by_subj: chunkSubject(nuid), seq });
      if (found === undefined || offset + found.data.byteLength > info.bytes) {
        throw new SpeechError(
          "file_not_found",
          `File ${id} is no longer whole, or this is not where a part of it begins.`,
        );
      }
      const end = offset + found.data.byteLength;
      const next = end < info.bytes ? `${found.seq + 1}.${end}` : undefined;
      return { info, offset, data: found.data, next };
    },
  };
}

function outOfStep(offset: number, end: number): SpeechError {
  const sentence = `offset: the part begins at ${offset}, and ${end} bytes are stored: go on from there`;
  return new SpeechError("upload_incomplete", sentence, { param: "offset" });
}

/** Where the next part lies: its sequence, and what was read before it. A caller that makes one up misleads itself. */
function parseCursor(cursor: string | undefined): { seq: number; offset: number } {
  if (cursor === undefined) return { seq: 1, offset: 0 };
  const [, seq, offset] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor) ?? [];
  if (seq !== undefined && offset !== undefined) return { seq: Math.max(1, Number(seq)), offset: Number(offset) };
  const sentence = "next: is not what an answer before had under this name";
  throw new SpeechError("validation_failed", sentence, { param: "next" });
}
