/** Runs a finished batch again from the jobs that the stream still holds, without its uploads, as a new batch. */
import {
  type BatchRecord,
  headerNames,
  type JobAddress,
  OPERATOR_SOURCE,
  parseJobSubject,
  SpeechError,
  streams,
  subjects,
} from "@parlance/contracts";
import { originalHeaders } from "../streams/dead-letter.ts";
import type { HeaderPairs, StoredMessage } from "../streams/messages.ts";
import type { Bus } from "../types.ts";
import { openBatchNotebook } from "./batch-notebook.ts";

export interface ReplayOptions {
  newBatchId: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((published: number, total: number) => void) | undefined;
  now?: () => number;
}

/** Replaced in the new jobs: the old wish to share a pass is over, nobody waits for a replay, and its record is the new batch's. */
const replaced: readonly string[] = [
  headerNames.submittedAt,
  headerNames.replayOf,
  headerNames.together,
  headerNames.batch,
];

/**
 * Publishes the batch's jobs again, on the batch lane, and answers with how many. Items that never became jobs (their audio was
 * bad) are not part of the new batch. Throws `batch_not_found` when the stream no longer holds every job, and
 * `validation_failed` when the batch is not finished, or is a session that goes on, and `batch_id_taken`. A retry with the same new id goes on where it stopped.
 */
export async function replayBatch(
  bus: Bus,
  batchId: string,
  { newBatchId, signal, onProgress, now = Date.now }: ReplayOptions,
): Promise<{ batchId: string; jobs: number }> {
  const notebook = openBatchNotebook(bus);
  const old = await notebook.read(batchId);
  if (old) await requireFinished(bus, old);
  const outline = await outlineOf(bus, batchId, signal);
  const acceptedAt = await writeRecord();

  let published = 0;
  const total = outline.jobs;
  for await (const message of bus.read({
    stream: streams.jobs,
    subject: subjects.batchJobs(batchId),
    ...withSignal(signal),
  })) {
    const job = parseJobSubject(message.subject);
    if (!job) continue;
    await bus.publishOnce(subjects.job(job.operation, "batch", newBatchId, job.itemId, job.n), message.data, {
      headers: newHeaders(message, batchId, acceptedAt),
      messageId: `${newBatchId}.${job.itemId}.${job.n}`,
      first: true,
      ...withSignal(signal),
    });
    published++;
    onProgress?.(published, total);
  }
  if (published < total) {
    throw new SpeechError(
      "bus_unavailable",
      `Only ${published} of ${total} jobs were read. Try again with the same id.`,
    );
  }
  return { batchId: newBatchId, jobs: published };

  async function writeRecord(): Promise<number> {
    const label = `replay of ${batchId}`;
    const record: BatchRecord = {
      batchId: newBatchId,
      source: OPERATOR_SOURCE,
      label: old?.label ? `${label}: ${old.label}`.slice(0, 256) : label,
      lane: "batch",
      acceptedAt: now(),
      items: [...outline.items.values()].map((item) => ({ ...placeOf(item.itemId), ...item })),
    };
    if ((await notebook.enterUnsent(record)) !== undefined) return record.acceptedAt;
    const taken = await notebook.read(newBatchId);
    if (taken?.label === record.label) return taken.acceptedAt;
    throw new SpeechError("batch_id_taken", `The batch id ${newBatchId} is taken.`, { param: "newBatchId" });
  }

  /** Where an utterance lies in its session, which only the record tells. */
  function placeOf(itemId: string): Pick<BatchRecord["items"][number], "start" | "samples"> {
    const { start, samples } = old?.items.find((item) => item.itemId === itemId) ?? {};
    return { ...(start === undefined ? {} : { start }), ...(samples === undefined ? {} : { samples }) };
  }
}

interface Outline {
  jobs: number;
  items: Map<string, BatchRecord["items"][number]>;
}

/** The batch's items as the last job of each tells them; throws unless every job of each is there. */
async function outlineOf(bus: Bus, batchId: string, signal: AbortSignal | undefined): Promise<Outline> {
  const items: Outline["items"] = new Map();
  const numbers = new Map<string, { seen: Set<number>; newest: JobAddress & { subject: string } }>();
  let jobs = 0;
  for (const subject of (await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).keys()) {
    const job = parseJobSubject(subject);
    if (!job) continue;
    jobs++;
    const item = numbers.get(job.itemId) ?? { seen: new Set(), newest: { ...job, subject } };
    item.seen.add(job.n);
    if (job.n > item.newest.n) item.newest = { ...job, subject };
    numbers.set(job.itemId, item);
  }
  if (jobs === 0) {
    throw new SpeechError(
      "batch_not_found",
      `No jobs of batch ${batchId} are in the stream: it never had any, or they are older than what is kept.`,
    );
  }
  for (const [itemId, { seen, newest }] of numbers) {
    signal?.throwIfAborted();
    const message = await bus.last(streams.jobs, newest.subject);
    if (message !== undefined) items.set(itemId, itemOf(message, newest));
    if (message?.headers.get(headerNames.last) !== "true" || seen.size !== newest.n + 1) {
      throw new SpeechError(
        "batch_not_found",
        `Some jobs of item ${itemId} of batch ${batchId} are no longer in the stream.`,
      );
    }
  }
  return { jobs, items };
}

function itemOf(message: StoredMessage, { itemId, operation }: JobAddress): BatchRecord["items"][number] {
  const name = headerNames.customId;
  return { itemId, operation, ...(message.headers.has(name) ? { customId: message.headers.get(name) } : {}) };
}

function newHeaders(message: StoredMessage, batchId: string, acceptedAt: number): HeaderPairs {
  return [
    ...originalHeaders(message.headers).filter(([name]) => !replaced.includes(name)),
    [headerNames.submittedAt, String(acceptedAt)],
    [headerNames.replayOf, batchId],
  ];
}

async function requireFinished(bus: Bus, record: BatchRecord): Promise<void> {
  if (record.open) {
    const sentence = `Session ${record.batchId} goes on: it can be replayed when it has ended.`;
    throw new SpeechError("validation_failed", sentence, { param: "batchId" });
  }
  const done = await bus.countSubjects(streams.results, subjects.batchDone(record.batchId));
  if (done.size >= record.items.length) return;
  throw new SpeechError(
    "validation_failed",
    `Batch ${record.batchId} is not finished: ${done.size} of its ${record.items.length} items are done.`,
    { param: "batchId" },
  );
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
