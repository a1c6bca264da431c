/**
 * Concludes live sessions that nobody will go on with. An instance of ingest that lives goes on with those of one that died, and closes
 * what is idle. So this is for sessions that none came back to for longer than any lasts, and for records whose session was forgotten.
 *
 *   its holder does not answer, and nothing was written for so long   → concluded, then its entry is deleted
 *   its record is open, and it has no entry                            → concluded
 *
 * Concluded: utterances that never became jobs end as `audio_lost`, the others when their jobs do; then the record is closed, and its
 * batch checked. Its entry goes last, so an interrupted round is made up for by the next.
 */
import type { BatchNotebook } from "@parlance/bus";
import { type BatchRecord, SpeechError, streams, subjects } from "@parlance/contracts";
import { readDone } from "../batches/batch-progress.ts";
import { type ConcludeSessionOptions, concludeSession } from "../batches/conclude-session.ts";

/** Whoever opens a session writes its record and its entry, and whoever ends it takes both away: not at one moment. */
const SETTLED_MS = 60_000;
/** How long after its longest time a session may still be gone on with. */
const COME_BACK_MS = 600_000;
const HOLDER_MS = 2_000;

export interface SessionsJanitorOptions extends Omit<ConcludeSessionOptions, "notebook"> {
  notebook: BatchNotebook;
  /** LIVE_SESSION_SECONDS. */
  longestSeconds: number;
}

/** Returns what tidies once, and tells how many sessions it concluded. */
export function createSessionsJanitor(options: SessionsJanitorOptions): () => Promise<number> {
  const { bus, notebook, log, now, longestSeconds } = options;
  const deadMs = longestSeconds * 1_000 + COME_BACK_MS;
  /** Open records by their batch ids, with when they were written. Each record is read once. */
  const open = new Map<string, number>();
  let nextSeq = 1;

  async function readNew(): Promise<void> {
    for await (const { batchId, open: isOpen, seq, time } of notebook.openSince(nextSeq)) {
      nextSeq = seq + 1;
      if (isOpen) open.set(batchId, time);
      else open.delete(batchId);
    }
  }

  async function isLeft(sessionId: string): Promise<{ revision?: number } | undefined> {
    const entry = await notebook.sessions.get(sessionId);
    const writtenAt = Math.max(open.get(sessionId) ?? 0, entry?.time ?? 0);
    if (entry === undefined) return writtenAt + SETTLED_MS < now() ? {} : undefined;
    if (writtenAt + deadMs >= now()) return undefined;
    const answer = await bus.request(subjects.liveHolder(entry.value.holder), "", HOLDER_MS);
    return answer === undefined ? { revision: entry.revision } : undefined;
  }

  async function conclude(sessionId: string, revision: number | undefined): Promise<void> {
    const record = await notebook.read(sessionId);
    if (record !== undefined) {
      await endLost(record, options);
      await notebook.revise(sessionId, closed);
      await concludeSession(sessionId, options);
    }
    open.delete(sessionId);
    if (revision !== undefined) await notebook.sessions.delete(sessionId, revision);
    log.warn({ batchId: sessionId }, "a live session that nobody went on with is concluded");
  }

  return async () => {
    await readNew();
    let concluded = 0;
    for (const sessionId of new Set([...open.keys(), ...(await notebook.sessions.keys("*"))])) {
      const left = await isLeft(sessionId);
      if (left === undefined) continue;
      await conclude(sessionId, left.revision);
      concluded += 1;
    }
    return concluded;
  };
}

function closed({ open, ...record }: BatchRecord): BatchRecord {
  return record;
}

/** Its record holds an utterance before its job is published: of one that never was nothing is left. */
async function endLost(record: BatchRecord, { bus, concludeItem, now }: SessionsJanitorOptions): Promise<void> {
  const { batchId } = record;
  const done = await readDone(bus, batchId);
  for (const { itemId, customId, operation } of record.items) {
    if (done.has(itemId)) continue;
    const jobs = await bus.countSubjects(streams.jobs, subjects.itemJobs(batchId, itemId));
    const results = await bus.countSubjects(streams.results, subjects.itemResults(batchId, itemId));
    if (jobs.size > 0 || results.size > 0) continue;
    const error = new SpeechError("audio_lost").toFailure();
    await concludeItem({
      batchId,
      itemId,
      ...(customId === undefined ? {} : { customId }),
      operation,
      status: "error",
      error,
      finishedAt: now(),
    });
  }
}
