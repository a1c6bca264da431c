/** What the benchmarks ask of the pipeline: many equal recordings through the queue, and one short one at a time. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@parlance/bus";
import { segmentResultSchema, streams, subjects } from "@parlance/contracts";
import type { RestClient } from "../../src/rest-client.ts";
import { createUploader } from "./uploader.ts";

const ITEMS_PER_SUBMISSION = 16;
const UPLOADS_AT_ONCE = 4;

export interface BacklogRun {
  /** From the first upload to the last done event. */
  seconds: number;
  /** Size of each pass that was run, in order of its beginning. */
  passSizes: number[];
}

/** Uploads `wav` `count` times, submits the uploads, and waits until every item is done. Throws when one failed. */
export async function runBacklog(
  gatewayUrl: string,
  client: RestClient,
  bus: Bus,
  wav: Uint8Array,
  count: number,
): Promise<BacklogRun> {
  const upload = createUploader(gatewayUrl, wav);
  const summaries = await hearSummaries(bus);
  const started = performance.now();
  const batches: { batchId: string; items: number }[] = [];
  for (let from = 0; from < count; from += ITEMS_PER_SUBMISSION) {
    const size = Math.min(ITEMS_PER_SUBMISSION, count - from);
    const files: string[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: UPLOADS_AT_ONCE }, async () => {
        while (next < size) {
          next += 1;
          files.push(await upload());
        }
      }),
    );
    const items = files.map((file, index) => ({
      operation: "transcribe" as const,
      ref_audio: file,
      custom_id: String(from + index),
    }));
    const { batch_id } = await client.submit("bench", items, randomUUID());
    batches.push({ batchId: batch_id, items: size });
  }
  for (const { batchId, items } of batches) {
    await summaries.of(batchId);
    while ((await bus.countSubjects(streams.results, subjects.batchDone(batchId))).size < items) await pause(50);
  }
  const seconds = (performance.now() - started) / 1_000;
  summaries.close();
  return {
    seconds,
    passSizes: await passSizes(
      bus,
      batches.map(({ batchId }) => batchId),
    ),
  };
}

/** Resolves as a batch's summary is heard: who asks again and again whether a batch is done takes time from what does it. */
async function hearSummaries(bus: Bus): Promise<{ of(batchId: string): Promise<void>; close(): void }> {
  const over = new AbortController();
  const ended = new Map<string, PromiseWithResolvers<void>>();
  const endOf = (batchId: string) => {
    const end = ended.get(batchId) ?? Promise.withResolvers<void>();
    ended.set(batchId, end);
    return end;
  };
  const hear = async (subject: string) => {
    for await (const summary of bus.subscribe(subject, over.signal))
      endOf(summary.subject.split(".").at(-1) ?? "").resolve();
  };
  // The second is that of a batch of one item.
  for (const subject of [subjects.summary("*"), subjects.toldSummary("*")]) void hear(subject);
  await bus.flush();
  return { of: (batchId) => endOf(batchId).promise, close: () => over.abort() };
}

async function passSizes(bus: Bus, batchIds: string[]): Promise<number[]> {
  const passes = new Map<number, number>();
  for (const batchId of batchIds) {
    for await (const message of bus.read({ stream: streams.results, subject: `speech.result.${batchId}.>` })) {
      const result = segmentResultSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
      if (result.outcome === "failed") throw new Error(`${message.subject} failed: ${result.error.message}`);
      passes.set(result.startedAt ?? 0, result.passSize);
    }
  }
  return [...passes].sort(([a], [b]) => a - b).map(([, size]) => size);
}

/** Milliseconds of `count` requests to the transcribe endpoint, one after another. */
export async function interactiveMilliseconds(gatewayUrl: string, wav: Uint8Array, count: number): Promise<number[]> {
  const taken: number[] = [];
  for (let request = 0; request < count; request += 1) {
    taken.push(await clipMilliseconds(gatewayUrl, wav));
    await pause(5);
  }
  return taken;
}

/** Milliseconds of one request to the transcribe endpoint. Throws when it failed. */
export async function clipMilliseconds(gatewayUrl: string, wav: Uint8Array): Promise<number> {
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(wav)], { type: "audio/wav" }), "clip.wav");
  const started = performance.now();
  const response = await fetch(`${gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  await response.json();
  const milliseconds = performance.now() - started;
  if (!response.ok) throw new Error(`the transcribe endpoint answered ${response.status}`);
  return milliseconds;
}
