/** Reads what a stream holds now for a subject, oldest first, with as much in memory as one pull brings. */
import { SpeechError } from "@parlance/contracts";
import { type Cursor, openCursor } from "./cursor.ts";
import type { Link } from "./link.ts";
import type { ReadOptions, StoredMessage } from "./types.ts";

/** A segment's job is about 1 MB: this bounds a reader's memory. */
const FULL_MESSAGES = 16;
const BARE_MESSAGES = 256;
/** A reader that loses its cursor this often in a row without one message in between gives up. */
const LOST_LIMIT = 5;

export async function* readStream(link: Link, options: ReadOptions): AsyncGenerator<StoredMessage, void> {
  const { stream, headersOnly, lastPerSubject, signal } = options;
  const filter = typeof options.subject === "string" ? [options.subject] : options.subject;
  const max = headersOnly ? BARE_MESSAGES : FULL_MESSAGES;
  let lastSeq = 0;
  let lost = 0;
  let cursor: Cursor | undefined;
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (!cursor) {
        cursor = await openCursor(
          link,
          {
            stream,
            filter,
            headersOnly,
            lastPerSubject,
            // The newest of each subject come in order of sequence too: what was handed out already is skipped below.
            fromSeq: lastPerSubject ? undefined : lastSeq > 0 ? lastSeq + 1 : options.fromSeq,
            fromTime: lastSeq > 0 ? undefined : options.fromTime,
          },
          signal,
        );
        if (cursor.waiting === 0) return;
      }
      const pulled: Awaited<ReturnType<Cursor["next"]>> = await cursor.next(max, 0, signal);
      signal?.throwIfAborted();
      for (const { pending, ...message } of pulled.messages) {
        if (message.seq > lastSeq) {
          lastSeq = message.seq;
          yield message;
        }
        if (pending === 0) return;
      }
      if (pulled.messages.length > 0) lost = 0;
      else if (!pulled.lost) return;
      if (pulled.lost) {
        cursor.close();
        cursor = undefined;
        if (++lost > LOST_LIMIT) throw new SpeechError("bus_unavailable", `Reading stream ${stream} stalled.`);
      }
    }
  } finally {
    cursor?.close();
  }
}
