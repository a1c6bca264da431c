/**
 * The good publisher and the good client: items whose transcripts are known, sent one after another while the storm goes on, and what
 * became of each as its own sender saw it.
 */
import { randomUUID } from "node:crypto";
import { type ItemDone, itemDoneSchema, subjects } from "@parlance/contracts";
import type { NatsConnection } from "nats";
import type { Clip } from "../src/clips.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient } from "../src/rest-client.ts";

export interface GoodItem {
  batchId: string;
  itemId: string;
  expected: string;
}

export interface GoodWork {
  /** Every item that was accepted, in the end with the transcript that its sender read. */
  items: GoodItem[];
  /** Items whose sender read the expected transcript, exactly once. */
  done: number;
  problems: string[];
}

export interface GoodWorkOptions {
  connection: NatsConnection;
  /** The publisher's source. */
  source: string;
  gatewayUrl: string;
  /** With their transcripts in a run without a storm. */
  clips: readonly { clip: Clip; transcript: string }[];
  drops: number;
  queued: number;
  requests: number;
}

const LIMIT_MS = 300_000;
const QUEUED_AT_ONCE = 10;

export async function doGoodWork(options: GoodWorkOptions): Promise<GoodWork> {
  const work: GoodWork = { items: [], done: 0, problems: [] };
  await Promise.all([dropAll(options, work), queueAll(options, work), requestAll(options, work)]);
  return work;
}

function clipAt(clips: GoodWorkOptions["clips"], index: number): { clip: Clip; transcript: string } {
  const chosen = clips[index % clips.length];
  if (chosen === undefined) throw new Error("there are no clips");
  return chosen;
}

async function dropAll({ connection, source, clips, drops }: GoodWorkOptions, work: GoodWork): Promise<void> {
  for (let index = 0; index < drops; index += 1) {
    const { clip, transcript } = clipAt(clips, index);
    const batchId = randomUUID();
    const events: ItemDone[] = [];
    const arrived = Promise.withResolvers<void>();
    const subscription = connection.subscribe(subjects.batchDone(batchId), {
      callback: (_error, message) => {
        const event = itemDoneSchema.safeParse(parseJson(message.string()));
        if (event.success) events.push(event.data);
        else work.problems.push(`${message.subject}: an event that is none: ${message.string().slice(0, 200)}`);
        arrived.resolve();
      },
    });
    const stored = await connection.request(subjects.intake(source, batchId), clip.bytes, { timeout: 30_000 });
    const receipt = parseJson(stored.string());
    if (typeof receipt !== "object" || receipt === null || !("seq" in receipt)) {
      work.problems.push(`a good drop was refused: ${stored.string()}`);
      continue;
    }
    work.items.push({ batchId, itemId: "0", expected: transcript });
    const timer = setTimeout(() => arrived.resolve(), LIMIT_MS);
    await arrived.promise;
    clearTimeout(timer);
    subscription.unsubscribe();
    const [event] = events;
    if (events.length === 1 && event?.transcript?.text === transcript) work.done += 1;
    else work.problems.push(`${batchId}: ${JSON.stringify(events).slice(0, 500)}`);
  }
}

async function queueAll({ gatewayUrl, clips, queued }: GoodWorkOptions, work: GoodWork): Promise<void> {
  const client = createRestClient(() => gatewayUrl);
  for (let from = 0; from < queued; from += QUEUED_AT_ONCE) {
    const chosen = Array.from({ length: Math.min(QUEUED_AT_ONCE, queued - from) }, (_, index) =>
      clipAt(clips, from + index),
    );
    const items = await Promise.all(
      chosen.map(async ({ clip }, index) => ({
        operation: "transcribe" as const,
        ref_audio: await client.upload(clip.bytes, clip.name, clip.type),
        custom_id: String(index),
      })),
    );
    const { batch_id, item_ids } = await client.submit("good", items, randomUUID());
    for (const [index, itemId] of item_ids.entries()) {
      work.items.push({ batchId: batch_id, itemId, expected: chosen[index]?.transcript ?? "" });
    }
    const status = await untilFinished(client, batch_id, LIMIT_MS);
    for (const [index, item] of status.items.entries()) {
      const transcript = item.url ? await client.json<{ text: string }>(item.url) : undefined;
      if (transcript !== undefined && transcript.text === chosen[index]?.transcript) work.done += 1;
      else work.problems.push(`${batch_id}.${index}: ${item.error ?? transcript?.text}`);
    }
  }
}

async function requestAll({ gatewayUrl, clips, requests }: GoodWorkOptions, work: GoodWork): Promise<void> {
  for (let index = 0; index < requests; index += 1) {
    const { clip, transcript } = clipAt(clips, index);
    const form = new FormData();
    form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
    const response = await fetch(`${gatewayUrl}/api/v1/transcribe/file`, {
      method: "POST",
      body: form,
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const answer = await response.text();
    const body = parseJson(answer);
    const text = typeof body === "object" && body !== null && "text" in body ? body.text : undefined;
    if (response.ok && text === transcript) work.done += 1;
    else work.problems.push(`a good request: ${response.status} ${answer.slice(0, 300)}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
