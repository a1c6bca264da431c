/**
 * Deletes files after FILE_TTL, but never an upload that accepted work still waits for: however long the queue, the
 * clock of uploads stands still at the oldest submission that ingest has not finished.
 */
import type { Bus, FileInfo, FileStore } from "@parlance/bus";
import { durables, streams } from "@parlance/contracts";

/** How much longer a file is there than it is served: a download or a submission that began in time ends well. */
const GRACE_MS = 60_000;

export interface FilesClock {
  now: number;
  /** When the oldest submission was stored that ingest has not finished; `now` when there is none. */
  oldestUnfinished: number;
  ttlMs: number;
}

/** Which files have outlived their time. Pure. */
export function expiredFiles(files: readonly FileInfo[], { now, oldestUnfinished, ttlMs }: FilesClock): FileInfo[] {
  return files.filter((file) => {
    const clock = isOutput(file) ? now : Math.min(now, oldestUnfinished);
    return file.createdAt + ttlMs + GRACE_MS < clock;
  });
}

function isOutput(file: FileInfo): boolean {
  return file.id.startsWith("queue_");
}

/** Returns how many files were deleted. */
export async function sweepFiles(options: {
  bus: Bus;
  files: FileStore;
  ttlMs: number;
  now: () => number;
}): Promise<number> {
  const { bus, files, ttlMs } = options;
  const now = options.now();
  const oldestUnfinished = (await oldestUnfinishedIntake(bus)) ?? now;
  const expired = expiredFiles(await files.list(), { now, oldestUnfinished, ttlMs });
  for (const file of expired) await files.delete(file.id);
  return expired.length;
}

async function oldestUnfinishedIntake(bus: Bus): Promise<number | undefined> {
  const { pending, ackPending, ackFloor } = await bus.consumerState(streams.intake, durables.ingest);
  if (pending === 0 && ackPending === 0) return undefined;
  const unfinished = bus.read({
    stream: streams.intake,
    subject: "speech.intake.*.*",
    fromSeq: ackFloor + 1,
    headersOnly: true,
  });
  for await (const message of unfinished) return message.time;
  return undefined;
}
