/** A past for the console to show: batches that ended well and badly, and messages that were put aside. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connectBus, deadLetterDeliveriesHeader } from "@parlance/bus";
import { deadLetterReasonHeader, subjects } from "@parlance/contracts";
import { type Pipeline, repositoryRoot } from "../src/pipeline.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient, type QueueItem } from "../src/rest-client.ts";

const recordings = ["lights.wav", "newspaper.flac", "coffee.wav"];
const PATIENCE_MS = 60_000;

/** Resolves with the uploads of some recordings. */
export async function makeHistory(pipeline: Pipeline): Promise<string[]> {
  const client = createRestClient(() => pipeline.gatewayUrl);
  const uploads: string[] = [];
  for (const name of recordings) {
    const bytes = await readFile(join(repositoryRoot, "integration-tests/demo/audio", name));
    uploads.push(await client.upload(bytes, name, "application/octet-stream"));
  }
  const broken = await client.upload(Buffer.from("This is no audio."), "notes.wav", "audio/wav");
  const spoken = ["The train leaves at nine.", "Please mind the gap."].map(
    (text, index): QueueItem => ({ operation: "custom_voice", text, custom_id: `announcement-${index + 1}` }),
  );
  const heard = heardItems([...uploads, broken], "interview", uploads.length + 1);
  for (const [label, items] of [
    ["Announcements", spoken],
    ["Interviews, first day", [...heard, ...spoken]],
  ] as const) {
    const { batch_id } = await client.submit(label, [...items], randomUUID());
    await untilFinished(client, batch_id, PATIENCE_MS);
    if (items.length > spoken.length) await putAside(pipeline, batch_id);
  }
  return uploads;
}

/** A batch of so many items. */
export async function submitRecordings({ gatewayUrl }: Pipeline, uploads: readonly string[], count: number) {
  const client = createRestClient(() => gatewayUrl);
  await client.submit("A day's recordings", heardItems(uploads, "recording", count), randomUUID());
}

function heardItems(uploads: readonly string[], name: string, count: number): QueueItem[] {
  return Array.from({ length: count }, (_, index) => ({
    operation: "transcribe",
    ref_audio: uploads[index % uploads.length] ?? "",
    custom_id: `${name}-${index + 1}`,
  }));
}

async function putAside(pipeline: Pipeline, batchId: string): Promise<void> {
  const service = "transcribe-worker";
  const bus = await connectBus({ name: "history", url: pipeline.natsUrl, ...pipeline.credentials(service) });
  try {
    const letters = [
      ["4", "job_invalid: 17 bytes are not 16-bit samples", "1"],
      ["2", "engine_crashed: The engine died twice under this segment (SIGSEGV).", "2"],
    ] as const;
    for (const [item, reason, deliveries] of letters) {
      await bus.publishOnce(subjects.dead(service, batchId, item, 0), Buffer.alloc(48_000), {
        headers: [
          [deadLetterReasonHeader, reason],
          [deadLetterDeliveriesHeader, deliveries],
        ],
      });
    }
  } finally {
    await bus.close();
  }
}
