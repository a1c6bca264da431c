/** What the storm left in the streams: forgeries, letters put aside, and whether the janitor still tidies. */
import type { Bus } from "@parlance/bus";
import {
  buckets,
  itemDoneSchema,
  jobHeadersSchema,
  leaseEntries,
  parseDoneSubject,
  parseJobSubject,
  readHeaders,
  segmentResultSchema,
  streams,
  subjects,
} from "@parlance/contracts";
import { VICTIM } from "./generate-messages.ts";
import type { GoodItem } from "./good-work.ts";

const objectBuckets: readonly string[] = [buckets.files, buckets.references];

/** Messages that nobody could have stored but by forging, each told in a sentence. */
export async function findForgeries(bus: Bus, items: readonly GoodItem[]): Promise<string[]> {
  const forged: string[] = [];
  const expected = new Map(items.map((item) => [subjects.done(item.batchId, item.itemId), item.expected]));
  const goodBatches = new Set(items.map(({ batchId }) => batchId));
  const counts = new Map<string, number>();
  for await (const message of bus.read({ stream: streams.results, subject: "speech.>" })) {
    const { subject } = message;
    counts.set(subject, (counts.get(subject) ?? 0) + 1);
    const payload = parseJson(message.data);
    if (subject.startsWith("speech.result.") && !segmentResultSchema.safeParse(payload).success)
      forged.push(`${subject}: not a result`);
    if (!subject.startsWith("speech.done.")) continue;
    const event = itemDoneSchema.safeParse(payload);
    if (!event.success) forged.push(`${subject}: not a done event`);
    else if (expected.has(subject) && event.data.transcript?.text !== expected.get(subject))
      forged.push(`${subject}: another transcript than the pipeline's`);
    else if (!expected.has(subject) && goodBatches.has(parseDoneSubject(subject)?.batchId ?? ""))
      forged.push(`${subject}: an item that nobody submitted`);
  }
  // Of refusals there may be several: each names the message that it is about.
  const once = [...counts].filter(([subject]) => !subject.startsWith("speech.refused."));
  for (const [subject, count] of once) if (count > 1) forged.push(`${subject}: stored ${count} times`);
  for await (const { subject, headers } of bus.read({ stream: streams.jobs, subject: "speech.job.>" })) {
    try {
      if (parseJobSubject(subject) === undefined) throw new Error("its subject is none");
      readHeaders(jobHeadersSchema, headers);
    } catch (error) {
      forged.push(`${subject}: not a job: ${error instanceof Error ? error.message : error}`);
    }
  }
  for (const stream of [
    ...Object.values(streams),
    ...Object.values(buckets).map((name) => (objectBuckets.includes(name) ? `OBJ_${name}` : `KV_${name}`)),
  ]) {
    for (const subject of (await bus.countSubjects(stream, ">")).keys()) {
      // Its own message under this batch id, and what the pipeline says of that, is a publisher's right.
      if (subject.startsWith(subjects.intake("", "").slice(0, -1)) && !subject.startsWith(subjects.intake("rest", "")))
        continue;
      if (subject.split(".").includes(VICTIM)) forged.push(`${stream}: ${subject}`);
    }
  }
  const holders = bus.bucket(leaseEntries.holder);
  for (const key of await holders.keys(">")) {
    const entry = await holders.get(key);
    if (entry !== undefined && entry.value === undefined) forged.push(`${key}: not a lease`);
  }
  return forged;
}

/** Distinct messages that were put aside. */
export async function countDeadLetters(bus: Bus): Promise<number> {
  return (await bus.streamState(streams.dead)).messages;
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
