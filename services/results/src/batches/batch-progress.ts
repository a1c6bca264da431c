/**
 * Notices that every item of a batch is done and publishes the batch's summary, once, with the batch's final status in it.
 *
 * Each instance remembers the outcomes that it concluded of the newest batches. When those are all, no event needs to be
 * read; otherwise (after a restart, or with several instances) the stream is asked how many done events it holds.
 *
 * Beside it: what a batch's state is (fold-batch, pure) and who is told (status-service), and the end of cancelled ones
 * (conclude-cancelled).
 */
import type { BatchNotebook, Bus } from "@parlance/bus";
import {
  type BatchRecord,
  type DoneHeaders,
  parseDoneSubject,
  SpeechError,
  streams,
  subjects,
  writeSummary,
} from "@parlance/contracts";
import { readDoneHeaders } from "./done-headers.ts";
import { foldBatch, summarise } from "./fold-batch.ts";

export interface BatchProgress {
  /** Remembers an outcome that was published, by this instance or, for a duplicate, by another. */
  concluded(batchId: string, itemId: string, said: DoneHeaders): void;
  /**
   * Publishes the summary if every item is done and none is added any more. Safe to call at any time and again. False: not yet, and
   * whoever brings the last item to its end, or ends the session, has to call again.
   */
  check(batchId: string): Promise<boolean>;
}

interface KnownBatch {
  outcomes: Map<string, DoneHeaders>;
  total?: number;
}

export interface BatchProgressOptions {
  bus: Bus;
  notebook: Pick<BatchNotebook, "find" | "keep">;
  now: () => number;
  /** Batches to remember, and outcomes of all of them together: each is some hundred bytes. */
  maxKnown?: number;
  maxOutcomes?: number;
}

export function createBatchProgress(options: BatchProgressOptions): BatchProgress {
  const { bus, notebook, now, maxKnown = 256, maxOutcomes = 20_000 } = options;
  const known = new Map<string, KnownBatch>();
  let remembered = 0;

  function remember(batchId: string): KnownBatch {
    const batch = known.get(batchId) ?? { outcomes: new Map() };
    known.delete(batchId);
    known.set(batchId, batch);
    for (const oldest of known.keys()) {
      if (oldest === batchId || (known.size <= maxKnown && remembered <= maxOutcomes)) break;
      forget(oldest);
    }
    return batch;
  }

  function forget(batchId: string): void {
    remembered -= known.get(batchId)?.outcomes.size ?? 0;
    known.delete(batchId);
  }

  /** Undefined while items are still added. */
  async function whatWasAsked(batchId: string): Promise<BatchRecord | undefined> {
    const found = await notebook.find(batchId);
    // Its messages may go, now that its end is not the one that a worker writes.
    if (found?.kept === false) await notebook.keep(found.record);
    // Of a session that goes on the last item is not known. Whoever ends it asks again, after writing that it has ended.
    return found?.record.open ? undefined : found?.record;
  }

  return {
    concluded(batchId, itemId, said) {
      const { outcomes } = remember(batchId);
      if (outcomes.has(itemId)) return;
      outcomes.set(itemId, said);
      remembered += 1;
    },
    async check(batchId) {
      const batch = remember(batchId);
      let record: BatchRecord | undefined;
      if (batch.total === undefined) {
        record = await whatWasAsked(batchId);
        // Without a record (it is older than RESULT_TTL) nobody can tell how many items there are.
        if (record === undefined) return false;
        batch.total = record.items.length;
      }
      const { total } = batch;
      let done: ReadonlyMap<string, DoneHeaders> = batch.outcomes;
      if (done.size < total) {
        const counts = await bus.countSubjects(streams.results, subjects.batchDone(batchId));
        if (counts.size < total) return false;
        done = await readDone(bus, batchId);
        // Fewer than were counted: this is for another try, not for an acknowledgement.
        if (done.size < total) {
          throw new SpeechError("bus_unavailable", `Only ${done.size} of ${total} done events were read.`);
        }
      }
      record ??= await whatWasAsked(batchId);
      const summary = record && summarise(record, done, now());
      if (record === undefined || summary === undefined) return false;
      const status = JSON.stringify(foldBatch({ record, done, begun: new Set() }));
      const { payload, headers } = await writeSummary(summary, status, bus.maxPayload);
      await bus.publishOnce(subjects.summary(batchId), payload, { first: true, headers });
      forget(batchId);
      return true;
    },
  };
}

/** Item id → the headers of its done event, for every item of a batch that is done. */
export async function readDone(bus: Bus, batchId: string): Promise<Map<string, DoneHeaders>> {
  const done = new Map<string, DoneHeaders>();
  const events = bus.read({
    stream: streams.results,
    subject: subjects.batchDone(batchId),
    headersOnly: true,
    lastPerSubject: true,
  });
  for await (const event of events) {
    const address = parseDoneSubject(event.subject);
    if (address !== undefined) done.set(address.itemId, readDoneHeaders(event.headers));
  }
  return done;
}
