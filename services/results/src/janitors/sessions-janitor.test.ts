/** What concludes a live session whose ingest never came back, and what is left alone. */
import { randomUUID } from "node:crypto";
import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  batchSummarySchema,
  buckets,
  type DoneHeaders,
  type LiveSession,
  streams,
  subjects,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { expect, test } from "vitest";
import { createBatchProgress } from "../batches/batch-progress.ts";
import { createConcludeItem } from "../items/conclude-item.ts";
import { createSessionsJanitor } from "./sessions-janitor.ts";

const rig = useTestServer({ secured: true });
const MINUTE = 60_000;
const notebook = () => openBatchNotebook(rig.bus);

/** An hour is the longest that a session lasts. What a round concluded, so much later. */
async function createJanitor(): Promise<(laterMs: number) => Promise<number>> {
  const bus = await rig.connectAs("results");
  const concludeItem = createConcludeItem({ bus, files: await bus.files(buckets.files) });
  let later = 0;
  const now = () => Date.now() + later;
  const notes = openBatchNotebook(bus);
  const progress = createBatchProgress({ bus, notebook: notes, now });
  const log = createLog("results", "silent");
  const sweep = createSessionsJanitor({
    bus,
    notebook: notes,
    concludeItem,
    progress,
    log,
    now,
    longestSeconds: 3_600,
  });
  return (laterMs) => {
    later = laterMs;
    return sweep();
  };
}

async function enter(entry: { holder: string } | undefined): Promise<string> {
  const batchId = randomUUID();
  await notebook().enter({
    batchId,
    label: "",
    lane: "realtime",
    acceptedAt: 1,
    items: ["0", "1", "2"].map((itemId) => ({ itemId, operation: "transcribe" })),
    open: true,
  });
  const session: LiveSession = {
    sessionId: batchId,
    openedAt: 1,
    holder: "gone",
    wishes: {},
    position: 0,
    rest: { at: 0, carriesOn: false },
    utterances: 3,
    closed: false,
  };
  if (entry !== undefined) await notebook().sessions.create(batchId, { ...session, ...entry });
  return batchId;
}

async function tellDone(batchId: string, itemId: string, status: DoneHeaders["status"] = "done"): Promise<void> {
  await rig.bus.publishOnce(subjects.done(batchId, itemId), "{}", { headers: [["Parlance-Status", status]] });
}

async function summary(batchId: string): Promise<unknown> {
  const event = await rig.bus.last(streams.results, subjects.summary(batchId));
  return event && batchSummarySchema.parse(JSON.parse(Buffer.from(event.data).toString()));
}

test("one whose holder is gone is concluded after its longest time: what is queued is still heard, what never was is told", async () => {
  const sweep = await createJanitor();
  const batchId = await enter({ holder: "gone" });
  await tellDone(batchId, "0");
  await rig.bus.publishOnce(subjects.job("transcribe", "realtime", batchId, "1", 0), "audio");
  expect(await sweep(69 * MINUTE)).toBe(0);
  expect((await notebook().read(batchId))?.open).toBe(true);

  expect(await sweep(71 * MINUTE)).toBe(1);
  expect((await notebook().read(batchId))?.open).toBeUndefined();
  expect(await notebook().sessions.has(batchId)).toBe(false);
  const lost = await rig.bus.last(streams.results, subjects.done(batchId, "2"));
  expect(lost?.headers.get("Parlance-Error-Code")).toBe("audio_lost");
  expect(await rig.bus.last(streams.results, subjects.done(batchId, "1"))).toBeUndefined();
  expect(await summary(batchId)).toBeUndefined();
  expect(await sweep(72 * MINUTE)).toBe(0);
});

test("one whose holder answers goes on, for however long nothing was written of it", async () => {
  const sweep = await createJanitor();
  const batchId = await enter({ holder: "alive" });
  for (const itemId of ["0", "1", "2"]) await tellDone(batchId, itemId);
  const stopping = new AbortController();
  const answer = async ({ respond }: { respond(data: string): void }) => respond("");
  rig.bus.serve(subjects.liveHolder("alive"), undefined, answer, stopping.signal);
  await rig.bus.flush();
  expect(await sweep(600 * MINUTE)).toBe(0);
  expect((await notebook().read(batchId))?.open).toBe(true);

  stopping.abort();
  await rig.bus.flush();
  expect(await sweep(600 * MINUTE)).toBe(1);
  expect(await summary(batchId)).toMatchObject({ status: "completed", total: 3 });
});

test("one that has no entry is concluded by its record, but not in the minute in which it may be opened or ended", async () => {
  const sweep = await createJanitor();
  const batchId = await enter(undefined);
  for (const itemId of ["0", "1", "2"]) await tellDone(batchId, itemId);
  expect(await sweep(MINUTE / 2)).toBe(0);
  expect(await sweep(2 * MINUTE)).toBe(1);
  expect(await summary(batchId)).toMatchObject({ status: "completed", total: 3 });
});

test("one that was concluded by half is concluded by the next round", async () => {
  const sweep = await createJanitor();
  const batchId = await enter({ holder: "gone" });
  for (const itemId of ["0", "1", "2"]) await tellDone(batchId, itemId);
  await notebook().revise(batchId, ({ open: _, ...record }) => record);
  expect(await sweep(71 * MINUTE)).toBe(1);
  expect(await summary(batchId)).toMatchObject({ status: "completed" });
  expect(await notebook().sessions.has(batchId)).toBe(false);
});

test("one that its holder ended in time is not touched", async () => {
  const sweep = await createJanitor();
  const batchId = await enter({ holder: "gone" });
  expect(await sweep(0)).toBe(0);
  await notebook().revise(batchId, ({ open: _, ...record }) => record);
  await notebook().sessions.delete(batchId);
  expect(await sweep(600 * MINUTE)).toBe(0);
  expect(await rig.bus.countSubjects(streams.results, subjects.batchDone(batchId))).toEqual(new Map());
});
