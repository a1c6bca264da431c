/** The results service as a process that is killed again and again while batches are published, and what must be there at the end. */

import { setTimeout as pause } from "node:timers/promises";
import { openBatchNotebook } from "@parlance/bus";
import { startServiceProcess, type TestRig } from "@parlance/bus/testing";
import { type BatchRecord, type Operation, streams } from "@parlance/contracts";
import { expect } from "vitest";

async function startResults({ server }: TestRig) {
  const main = new URL("../main.ts", import.meta.url);
  const results = startServiceProcess({ server, user: "results", main, settings: { LOG_LEVEL: "info" } });
  await results.says("folding results");
  return results;
}

/** As ingest leaves it behind: a batch of items `0`, `1` … */
export async function recordBatch(
  { bus }: TestRig,
  batchId: string,
  items: number,
  operation: Operation,
): Promise<void> {
  const record: BatchRecord = {
    batchId,
    label: "",
    lane: "batch",
    acceptedAt: 1,
    items: Array.from({ length: items }, (_, item) => ({ itemId: String(item), operation })),
  };
  await openBatchNotebook(bus).enter(record);
}

/** @param livesMs how long it lives until the next kill */
export async function publishAmongKills(
  rig: TestRig,
  { kills, livesMs, publish }: { kills: number; livesMs(): number; publish(): Promise<void> },
): Promise<void> {
  let results = await startResults(rig);
  const publishing = publish();
  for (let kill = 0; kill < kills; kill += 1) {
    await pause(livesMs());
    await results.kill();
    results = await startResults(rig);
  }
  rig.closeAfter({ close: results.kill });
  await publishing;
}

/** Every batch has one summary, every item one done event. */
export async function expectOneEndEach(
  { bus }: TestRig,
  { batches, items, timeoutMs }: { batches: number; items: number; timeoutMs: number },
): Promise<void> {
  const summaries = () => bus.countSubjects(streams.results, "speech.summary.*");
  await expect.poll(async () => (await summaries()).size, { timeout: timeoutMs }).toBe(batches);
  expect([...(await summaries()).values()]).toEqual(Array.from({ length: batches }, () => 1));
  const done = await bus.countSubjects(streams.results, "speech.done.>");
  expect([...done.values()]).toEqual(Array.from({ length: batches * items }, () => 1));
}
