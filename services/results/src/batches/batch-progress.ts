/**
 * Notices that every item of a batch is done and publishes the batch's summary, once.
 *
 * Each instance remembers the outcomes that it concluded of the newest batches. When those are all, nothing needs to be
 * read; otherwise (after a restart, or with several instances) the stream is asked how many done events it holds.
 *
 * Beside it: what a batch's state is (fold-batch, pure) and who is told (status-service), and the end of cancelled ones
 * (conclude-cancelled).
 */
import type { BatchNotebook, Bus } from "@parlance/bus";
import { type DoneHeaders, parseDoneSubject, SpeechError, streams, subjects } from "@parlance/contracts";
import { readDoneHeaders } from "./done-headers.ts";
import { summarise } from "./fold-batch.ts";

export interface BatchProgress {
  /** Remembers an outcome that was published, by this instance or, for a duplicate, by another. */
  concluded(batchId: string, itemId: string, outcome: DoneHeaders["status"]): void;
  /**
   * Publishes the summary if every item is done and none is added any more. Safe to call at any time and again. False: not yet, and
   * whoever brings the last item to its end, or ends the session, has to call again.
   */
  check(batchId: string): Promise<boolean>;
}

interface KnownBatch {
  outcomes: Map<string, DoneHeaders["status"]>;
  asked?: { label: string; total: number };
}

export interface BatchProgressOptions {
  bus: Bus;
  notebook: Pick<BatchNotebook, "read">;
  now: () => number;
  /** Batches to remember. Each costs some tens of bytes per item. */
  maxKnown?: number;
}

export function createBatchProgress({ bus, notebook, now, maxKnown = 256 }: BatchProgressOptions): BatchProgress {
  const known = new Map<string, KnownBatch>();

  function remember(batchId: string): KnownBatch {
    const batch = known.get(batchId) ?? { outcomes: new Map() };
    known.delete(batchId);
    known.set(batchId, batch);
    const [oldest] = known.keys();
    if (known.size > maxKnown && oldest !== undefined) known.delete(oldest);
    return batch;
  }

  async function whatWasAsked(batchId: string): Promise<KnownBatch["asked"]> {
    const record = await notebook.read(batchId);
    // Of a session that goes on the last item is not known. Whoever ends it asks again, after writing that it has ended.
    return record && !record.open ? { label: record.label, total: record.items.length } : undefined;
  }

  return {
    concluded(batchId, itemId, outcome) {
      const { outcomes } = remember(batchId);
      if (!outcomes.has(itemId)) outcomes.set(itemId, outcome);
    },
    async check(batchId) {
      const batch = remember(batchId);
      batch.asked ??= await whatWasAsked(batchId);
      // Without a record (it is older than RESULT_TTL) nobody can tell how many items there are.
      if (batch.asked === undefined) return false;
      const { label, total } = batch.asked;
      let outcomes: ReadonlyMap<string, DoneHeaders["status"]> = batch.outcomes;
      if (outcomes.size < total) {
        const counts = await bus.countSubjects(streams.results, subjects.batchDone(batchId));
        if (counts.size < total) return false;
        outcomes = await readOutcomes(bus, batchId);
        // Fewer than were counted: this is for another try, not for an acknowledgement.
        if (outcomes.size < total) {
          throw new SpeechError("bus_unavailable", `Only ${outcomes.size} of ${total} done events were read.`);
        }
      }
      const summary = summarise({ batchId, label, total }, outcomes, now());
      if (summary === undefined) return false;
      await bus.publishOnce(subjects.summary(batchId), JSON.stringify(summary), { first: true });
      known.delete(batchId);
      return true;
    },
  };
}

async function readOutcomes(bus: Bus, batchId: string): Promise<Map<string, DoneHeaders["status"]>> {
  const outcomes = new Map<string, DoneHeaders["status"]>();
  for (const [itemId, headers] of await readDone(bus, batchId)) outcomes.set(itemId, headers.status);
  return outcomes;
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
