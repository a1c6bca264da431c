/**
 * Makes room in RESULTS and in the `batches` bucket before RESULT_TTL does, when one of them is nearly full. What is needed least goes
 * first, and of that the oldest: refusals, segments' results of items that are done (their done event says all of it), then whole
 * batches that are concluded, at last keys that only remember. What belongs to a batch that is not concluded stays: when
 * that is all there is, new work waits (see the bus's outcome-room.ts) until some of it is.
 */
import type { BatchNotebook, Bus, StoredMessage, StreamState } from "@parlance/bus";
import { durables, headerNames, parseDoneSubject, parseResultSubject, streams, subjects } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { finishedUpTo } from "./stream-janitor.ts";

const FULL_SHARE = 0.8;
const TARGET_SHARE = 0.7;
/** Whoever waits for an outcome has read it by then. */
const SHORTEST_MS = 60_000;
/** A key that remembers a caller's request: he tries again within this time, or not at all. */
const REMEMBERED_MS = 3_600_000;
const AT_ONCE = 16;

export interface OutcomesSweep {
  refusals: number;
  /** Segments' results of items that are done. */
  segments: number;
  /** Batches of which nothing is known any more. */
  batches: number;
  keys: number;
}

export interface OutcomesSweepOptions {
  bus: Bus;
  notebook: BatchNotebook;
  log: Log;
  now: () => number;
}

function isFuller({ bytes, maxBytes }: StreamState, share: number): boolean {
  return maxBytes > 0 && bytes > maxBytes * share;
}

/** Undefined when there was room enough. */
export async function sweepOutcomes({
  bus,
  notebook,
  log,
  now,
}: OutcomesSweepOptions): Promise<OutcomesSweep | undefined> {
  const swept: OutcomesSweep = { refusals: 0, segments: 0, batches: 0, keys: 0 };
  const results = () => bus.streamState(streams.results);
  const resultsFull = isFuller(await results(), FULL_SHARE);
  const recordsFull = isFuller(await notebook.state(), FULL_SHARE);
  if (!resultsFull && !recordsFull) return undefined;
  const old = now() - SHORTEST_MS;
  /** A janitor that began goes on until there is room for a while. */
  const needed = async () =>
    (resultsFull && isFuller(await results(), TARGET_SHARE)) ||
    (recordsFull && isFuller(await notebook.state(), TARGET_SHARE));

  /** Works on what comes, some at a time, until there is room. */
  async function each<T>(what: AsyncIterable<T>, work: (one: T) => Promise<void>): Promise<void> {
    let some: T[] = [];
    const finish = async () => {
      const begun = some;
      some = [];
      await Promise.all(begun.map(work));
    };
    for await (const one of what) {
      some.push(one);
      if (some.length < AT_ONCE) continue;
      await finish();
      if (!(await needed())) return;
    }
    await finish();
  }

  if (resultsFull) {
    const young = await bus.first(streams.results, ">", { time: new Date(old) });
    const below = young?.seq ?? (await results()).lastSeq + 1;
    swept.refusals += await bus.purgeBelow(streams.results, below, "speech.refused.>");
    if (await needed()) {
      const isSpent = await createSpent(bus, old);
      await each(resultsUntil(bus, old), async (result) => {
        if (!(await isSpent(result))) return;
        await bus.deleteMessage(streams.results, result.seq);
        swept.segments += 1;
      });
    }
  }
  if (await needed()) {
    await each(concludedBatches(bus, old), async (batchId) => {
      await forget(batchId, bus, notebook);
      swept.batches += 1;
    });
  }
  if (recordsFull && (await needed())) {
    await each(notebook.spentNotes({ until: old, claimsUntil: now() - REMEMBERED_MS }), async (note) => {
      await notebook.strikeOut(note);
      swept.keys += 1;
    });
  }
  const room = !(await needed());
  log.warn(
    { ...swept, resultsFull, recordsFull, room },
    "results or batch records were nearly full: the oldest are forgotten",
  );
  return swept;
}

/**
 * The record first: what is left of the batch when this is interrupted is then of no batch that anybody knows. Its summary tells that it is
 * left; the end of one without a summary is all that there is of it.
 */
async function forget(batchId: string, bus: Bus, notebook: BatchNotebook): Promise<void> {
  await notebook.forget(batchId);
  for await (const { seq } of bus.read({
    stream: streams.results,
    subject: `speech.result.${batchId}.>`,
    headersOnly: true,
  })) {
    await bus.deleteMessage(streams.results, seq);
  }
  for (const subject of [subjects.batchDone(batchId), subjects.summary(batchId)]) {
    await bus.purgeSubject(streams.results, subject);
  }
}

/**
 * Whether nobody needs a segment's result any more: its item is done and, where the service may still hold the message to check
 * the batch with it, the batch is concluded.
 */
async function createSpent(bus: Bus, old: number): Promise<(result: StoredMessage) => Promise<boolean>> {
  const folded = finishedUpTo(await bus.consumerState(streams.results, durables.results));
  const known = new Map<string, Promise<boolean>>();
  const isThere = (subject: string) => {
    const there =
      known.get(subject) ??
      bus.last(streams.results, subject).then((event) => event !== undefined && event.time <= old);
    known.set(subject, there);
    return there;
  };
  return async ({ subject, seq }) => {
    const { batchId, itemId } = parseResultSubject(subject) ?? {};
    if (batchId === undefined || itemId === undefined) return false;
    return (
      (await isThere(subjects.done(batchId, itemId))) && (seq <= folded || (await isThere(subjects.summary(batchId))))
    );
  };
}

async function* resultsUntil(bus: Bus, old: number): AsyncGenerator<StoredMessage, void> {
  for await (const result of bus.read({ stream: streams.results, subject: "speech.result.>", headersOnly: true })) {
    if (result.time > old) return;
    yield result;
  }
}

/** The oldest first: by their summaries, and by the ends of those that have none. */
async function* concludedBatches(bus: Bus, old: number): AsyncGenerator<string, void> {
  const ends = (subject: string) => bus.read({ stream: streams.results, subject, headersOnly: true });
  for await (const { subject, headers, time } of inOrder(ends(subjects.summary("*")), ends(subjects.done("*", "*")))) {
    if (time > old) return;
    const done = parseDoneSubject(subject);
    if (done === undefined) yield subject.split(".").at(-1) ?? "";
    else if (headers.has(headerNames.batch)) yield done.batchId;
  }
}

/** Two readings of a stream as one, by its sequences. */
async function* inOrder(...readings: AsyncIterable<StoredMessage>[]): AsyncGenerator<StoredMessage, void> {
  const iterators = readings.map((reading) => reading[Symbol.asyncIterator]());
  const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
  try {
    for (;;) {
      const left = heads.flatMap((head, index) => (head.done ? [] : [{ message: head.value, index }]));
      const [first] = left.sort((a, b) => a.message.seq - b.message.seq);
      const iterator = first && iterators[first.index];
      if (first === undefined || iterator === undefined) return;
      yield first.message;
      heads[first.index] = await iterator.next();
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()));
  }
}
