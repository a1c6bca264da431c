/** Going on with a session that is there, or was. */
import type { BatchNotebook } from "@parlance/bus";
import {
  type Failure,
  type LiveFormat,
  parseLiveFormat,
  readWishes,
  SAMPLE_RATE,
  SpeechError,
} from "@parlance/contracts";

export interface LiveEnd {
  /** Of its audio. */
  seconds: number;
  utterances: number;
  /** Why it did not end by its publisher's will. */
  error?: Failure;
}

export interface Resumption {
  /** From where on its audio is to be sent: samples at its own rate. */
  position: number;
  /** The first utterance of which the end is to be told. */
  from: number;
  /** It is over already. */
  end?: LiveEnd;
}

/**
 * A session of the gateway's callers, by its id. Throws `batch_not_found` where there is none, and `not_owner` for a publisher's.
 *
 * @param from the first utterance of which the end is to be told.
 */
export async function findLiveSession(
  notebook: BatchNotebook,
  sessionId: string,
  from: number,
): Promise<{ resume: Resumption; format: LiveFormat | undefined }> {
  const entry = (await notebook.sessions.get(sessionId))?.value;
  if (entry === undefined || entry.closed) {
    const end = await endOf(notebook, sessionId);
    if (end !== undefined) return { resume: { position: 0, from, end }, format: undefined };
  }
  if (entry === undefined)
    throw new SpeechError("batch_not_found", "No live session has this id.", { param: "session" });
  if (entry.source !== undefined) throw new SpeechError("not_owner", undefined, { param: "session" });
  const format = parseLiveFormat(readWishes(entry.wishes).contentType);
  return { resume: { position: entry.position, from }, format };
}

/** Undefined while it goes on, or where nobody knows it. Throws `not_owner` for a publisher's. */
export async function endOf(notebook: BatchNotebook, sessionId: string): Promise<LiveEnd | undefined> {
  const record = await notebook.read(sessionId);
  if (record === undefined || record.open) return undefined;
  // Another batch that somebody asked for: its items lie nowhere in a session.
  if (record.items.some(({ start }) => start === undefined)) return undefined;
  if (record.source !== undefined) throw new SpeechError("not_owner", undefined, { param: "session" });
  const last = record.items.at(-1);
  return { seconds: ((last?.start ?? 0) + (last?.samples ?? 0)) / SAMPLE_RATE, utterances: record.items.length };
}
