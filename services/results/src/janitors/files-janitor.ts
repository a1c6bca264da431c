/**
 * Deletes files after FILE_TTL, but never one that accepted work still waits for. However long the queue, the clock of uploads
 * stands still at the oldest submission that ingest has not finished, and the sound of a segment stays until its item is done.
 */
import type { BatchNotebook, Bus, FileInfo, FileStore } from "@parlance/bus";
import { durables, parseSegmentFileId, parseWaitingSubject, streams, subjects } from "@parlance/contracts";

/** How much longer a file is there than it is served: a download or a submission that began in time ends well. */
const GRACE_MS = 60_000;

export interface FilesClock {
  now: number;
  /** When the oldest submission was stored that ingest has not finished; `now` when there is none. */
  oldestUnfinished: number;
  ttlMs: number;
}

/** Whether a file has outlived its time. Pure. */
export function isExpired(file: FileInfo, { now, oldestUnfinished, ttlMs }: FilesClock): boolean {
  const ownClock = isOutput(file) || parseSegmentFileId(file.id) !== undefined;
  const clock = ownClock ? now : Math.min(now, oldestUnfinished);
  return file.createdAt + ttlMs + GRACE_MS < clock;
}

function isOutput(file: FileInfo): boolean {
  return file.id.startsWith("queue_");
}

/** Returns how many files were deleted. */
export async function sweepFiles(options: {
  bus: Bus;
  files: FileStore;
  notebook: Pick<BatchNotebook, "has">;
  ttlMs: number;
  now: () => number;
}): Promise<number> {
  const { bus, files, ttlMs } = options;
  const now = options.now();
  const oldestUnfinished = (await oldestUnfinishedIntake(bus)) ?? now;
  const clock = { now, oldestUnfinished, ttlMs };
  const expired: FileInfo[] = [];
  // However many are younger, nothing is read of them.
  for await (const file of files.storedBefore(now - ttlMs - GRACE_MS)) if (isExpired(file, clock)) expired.push(file);
  const needed = await unfinishedItems(expired, options);
  const gone = expired.filter(({ id }) => !needed.has(itemOf(id) ?? ""));
  for (const file of gone) await files.delete(file.id);
  return gone.length;
}

/** The item of a spoken segment's file. */
function itemOf(fileId: string): string | undefined {
  const segment = parseSegmentFileId(fileId);
  return segment && `${segment.batchId}.${segment.itemId}`;
}

/** Items of which segments are spoken and which are not done; a batch whose record has expired will never be. */
async function unfinishedItems(
  files: readonly FileInfo[],
  { bus, notebook }: { bus: Bus; notebook: Pick<BatchNotebook, "has"> },
): Promise<Set<string>> {
  const unfinished = new Set<string>();
  const segments = Map.groupBy(files, ({ id }) => itemOf(id));
  segments.delete(undefined);
  for (const [item, [file]] of segments) {
    const { batchId, itemId } = parseSegmentFileId(file?.id ?? "") ?? { batchId: "", itemId: "" };
    if ((await bus.last(streams.results, subjects.done(batchId, itemId))) !== undefined) continue;
    if (await notebook.has(batchId)) unfinished.add(item ?? "");
  }
  return unfinished;
}

/** When it was stored; undefined: all is taken in. */
export async function oldestUnfinishedIntake(bus: Bus): Promise<number | undefined> {
  const times: number[] = [];
  const waiting = await bus.countSubjects(streams.waiting, "speech.waiting.>");
  for (const subject of waiting.keys()) times.push(parseWaitingSubject(subject)?.time ?? 0);
  const { pending, ackPending, ackFloor } = await bus.consumerState(streams.intake, durables.ingest);
  if (pending > 0 || ackPending > 0) {
    const oldest = await bus.first(streams.intake, subjects.allIntake, { seq: ackFloor + 1 });
    if (oldest !== undefined) times.push(oldest.time);
  }
  return times.length === 0 ? undefined : times.reduce((oldest, time) => Math.min(oldest, time));
}
