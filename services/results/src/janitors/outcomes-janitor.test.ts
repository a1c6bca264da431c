/** RESULTS and the `batches` bucket when many times what they hold goes through them: nothing is refused for ever, nothing open is lost. */
import { type Bus, connectBus, openBatchNotebook, outcomesShare } from "@parlance/bus";
import {
  type BatchRecord,
  batchSummarySchema,
  endAlone,
  readSettings,
  type SegmentResult,
  streams,
  subjects,
} from "@parlance/contracts";
import { someOf } from "@parlance/contracts/testing";
import { startTestServer, testServers } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { describe, expect, test, vi } from "vitest";
import { createResults, resultsSettings } from "../results.ts";

vi.setConfig({ testTimeout: 240_000 });

const MIB = 1_048_576;
const polling = { timeout: 90_000, interval: 50 };
/** Everything that is stored is old enough to be forgotten. */
const later = () => Date.now() + 61_000;

async function rig(binary: string) {
  const settings = { RESULTS_MAX_BYTES: 4 * MIB, BATCHES_MAX_BYTES: MIB };
  const server = await startTestServer({ binary, secured: true, settings });
  const bus = await connectBus({ name: "test", ...server.as() });
  const own = await connectBus({ name: "results", ...server.as("results") });
  return {
    bus,
    start: () =>
      createResults({
        bus: own,
        settings: readSettings(resultsSettings, {}),
        log: createLog("results", "silent"),
        now: later,
        sweepEveryMs: 200,
      }),
    async [Symbol.asyncDispose]() {
      await own.close();
      await bus.close();
      await server.stop();
    },
  };
}

const recordOf = (batchId: string, items: number, label = ""): BatchRecord => ({
  batchId,
  label,
  lane: "batch",
  acceptedAt: 1,
  items: Array.from({ length: items }, (_, item) => ({ itemId: String(item), operation: "transcribe" })),
});

async function record(bus: Bus, batchId: string, items: number, label = ""): Promise<void> {
  await openBatchNotebook(bus).enter(recordOf(batchId, items, label));
}

/** As the gateway does of a batch that finds no room. */
async function refused(bus: Bus, batchId: string): Promise<void> {
  const notebook = openBatchNotebook(bus);
  const revision = await notebook.enter({ batchId, label: "", lane: "batch", acceptedAt: 1, items: [] });
  if (revision !== undefined) await notebook.withdraw(batchId, revision);
}

const scores = { avg_logprob: -0.1, compression_ratio: 1.5, no_speech_prob: 0 };

const resultOf = (last: boolean, text: string): SegmentResult => ({
  operation: "transcribe",
  outcome: "ok",
  last,
  submittedAt: 1,
  finishedAt: 2,
  timestamps: false,
  text,
  language: "English",
  words: [],
  stretches: [{ start: 0, end: 1, text, tokens: [], temperature: 0, ...scores }],
  start: 0,
  duration: 1,
  score: -0.1,
  truncated: false,
  model: "m",
  passSize: 1,
});

async function publish(bus: Bus, batchId: string, itemId: string, n: number, last: boolean, text: string) {
  const result = JSON.stringify(resultOf(last, text));
  await bus.publishOnce(subjects.result(batchId, itemId, n), result, { first: true });
}

/** As a worker ends a batch that is one segment. */
async function endLone(bus: Bus, batchId: string, text: string): Promise<void> {
  const end = endAlone({ batchId, itemId: "0" }, resultOf(true, text), recordOf(batchId, 1));
  const { payload = "", headers = [] } = end ?? {};
  await bus.publishOnce(subjects.done(batchId, "0"), payload, { first: true, headers });
}

const summary = async (bus: Bus, batchId: string) => {
  const message = await bus.last(streams.results, subjects.summary(batchId));
  return message && batchSummarySchema.parse(JSON.parse(Buffer.from(message.data).toString()));
};
/** As those wait who begin new work. */
async function room(bus: Bus): Promise<void> {
  while ((await outcomesShare(bus)) >= 0.9) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** As long as a transcript that rides in its done event. */
const long = "A sentence of the transcript. ".repeat(350);

describe.each(someOf(await testServers(), 2))("outcomes on nats-server $version", ({ binary }) => {
  test("many times what RESULTS holds goes through it, and a batch that is not concluded loses nothing", async () => {
    await using here = await rig(binary);
    const { bus } = here;
    const results = await here.start();
    await record(bus, "open", 2);
    await publish(bus, "open", "0", 0, true, "done early");
    await publish(bus, "open", "1", 0, false, "the beginning");
    for (let pass = 0; pass < 500; pass += 10) {
      const batches = Array.from({ length: 5 }, (_, row) => `b${pass + 2 * row + 1}`);
      const lone = Array.from({ length: 5 }, (_, row) => `b${pass + 2 * row}`);
      await Promise.all(batches.map((batch) => record(bus, batch, 1)));
      // As a worker does it. A result that is refused all the same fails the test.
      await room(bus);
      await Promise.all(batches.map((batch) => publish(bus, batch, "0", 0, true, long)));
      await Promise.all(lone.map((batch) => endLone(bus, batch, long)));
    }
    await expect.poll(() => summary(bus, "b499"), polling).toMatchObject({ completed: 1 });
    expect(await summary(bus, "b1")).toBeUndefined();
    for (const batchId of ["b0", "b1"]) expect(await openBatchNotebook(bus).read(batchId)).toBeUndefined();
    expect(await bus.last(streams.results, subjects.done("b0", "0"))).toBeUndefined();
    expect(await openBatchNotebook(bus).read("b498")).toMatchObject({ batchId: "b498" });
    expect(await bus.last(streams.results, subjects.done("open", "0"))).toBeDefined();
    await publish(bus, "open", "1", 1, true, "and the end");
    await expect.poll(() => bus.last(streams.results, subjects.done("open", "1")), polling).toBeDefined();
    const done = await bus.last(streams.results, subjects.done("open", "1"));
    expect(JSON.parse(Buffer.from(done?.data ?? "").toString())).toMatchObject({
      status: "done",
      transcript: { text: "the beginning and the end" },
    });
    await expect.poll(() => outcomesShare(bus), polling).toBeLessThan(0.85);
    expect(await results.registry.metrics()).toMatch(
      /outcomes_forgotten_total\{what="batches",service="results"\} [1-9]/,
    );
    await results.close();
  });

  test("results that filled it while nobody folded are all concluded", async () => {
    await using here = await rig(binary);
    const { bus } = here;
    let batches = 0;
    for (; (await outcomesShare(bus)) < 0.9; batches += 1) {
      await record(bus, `b${batches}`, 1);
      await publish(bus, `b${batches}`, "0", 0, true, long);
    }
    expect(batches).toBeGreaterThan(100);
    const concluded = new Set<string>();
    const stop = new AbortController();
    const listening = (async () => {
      for await (const { subject } of bus.subscribe(subjects.summary("*"), stop.signal)) concluded.add(subject);
    })();
    await bus.flush();
    const results = await here.start();
    await expect.poll(() => concluded.size, polling).toBe(batches);
    stop.abort();
    await listening;
    await results.close();
  });

  test("records, marks of deleted keys and forgotten requests fill the bucket of batches for a while only", async () => {
    await using here = await rig(binary);
    const { bus } = here;
    const results = await here.start();
    const notebook = openBatchNotebook(bus);
    await record(bus, "open", 2, "x".repeat(8_000));
    for (let batch = 0; batch < 200; batch += 1) {
      await refused(bus, `refused${batch}`);
      await room(bus);
      await record(bus, `b${batch}`, 1, "x".repeat(8_000));
      await publish(bus, `b${batch}`, "0", 0, true, "x");
      const share = async () => {
        const { bytes, maxBytes } = await notebook.state();
        return bytes / maxBytes;
      };
      if ((await share()) > 0.85) await expect.poll(share, polling).toBeLessThan(0.85);
    }
    expect(await notebook.has("open")).toBe(true);
    await results.close();
  });
});
