/** A backlog whose recordings are there already: submitted at once, as the gateway submits, timed to the end of its last item. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@parlance/bus";
import { GATEWAY_SOURCE, headerNames, itemDoneSchema, type Submission, streams, subjects } from "@parlance/contracts";

export interface StoredRecording {
  file: string;
  seconds: number;
}

export interface BacklogRun {
  /** Seconds of audio in a second. */
  speed: number;
  /** Of all items. */
  segments: number;
}

/** Its end is told by its events, and not by when somebody looks: looking costs nats-server a list of all its items. */
const LOOK_EVERY_MS = 200;

/** `parts`: the text of each item is read as it comes. Throws when an item failed. */
export async function runStoredBacklog(
  bus: Bus,
  recordings: readonly StoredRecording[],
  { parts }: { parts: boolean },
): Promise<BacklogRun> {
  const batchId = randomUUID();
  const submission: Submission = {
    label: "bench",
    lane: "batch",
    items: recordings.map(({ file }, index) => ({
      itemId: String(index),
      operation: "transcribe",
      language: "English",
      file,
      parts,
    })),
  };
  const began = Date.now();
  await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), JSON.stringify(submission), {
    headers: [[headerNames.contentType, "application/json"]],
    messageId: batchId,
  });
  const done = subjects.batchDone(batchId);
  while ((await bus.countSubjects(streams.results, done)).size < recordings.length) await pause(LOOK_EVERY_MS);
  let [ended, segments] = [began, 0];
  for await (const { subject, data } of bus.read({ stream: streams.results, subject: done })) {
    const item = itemDoneSchema.parse(JSON.parse(Buffer.from(data).toString()));
    if (item.status !== "done") throw new Error(`${subject}: ${item.error?.message ?? item.status}`);
    ended = Math.max(ended, item.finishedAt);
    segments += item.segments ?? 0;
  }
  const seconds = recordings.reduce((sum, recording) => sum + recording.seconds, 0);
  return { speed: seconds / ((ended - began) / 1_000), segments };
}
