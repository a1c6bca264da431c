/** Texts that wait for a worker that may never come: they hold no place, nothing is kept behind them, and none is lost. */
import { randomUUID } from "node:crypto";
import { encodeWav, toPcm16 } from "@parlance/audio";
import { voice } from "@parlance/audio/testing";
import { type Bus, connectBus, openBatchNotebook } from "@parlance/bus";
import { answerAsWorker } from "@parlance/bus/testing";
import { durables, headerNames, readSettings, streams, subjects } from "@parlance/contracts";
import { someOf } from "@parlance/contracts/testing";
import { startTestServer, testServers } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { describe, expect, test, vi } from "vitest";
import { createIngest, ingestSettings } from "../ingest.ts";

vi.setConfig({ testTimeout: 180_000 });

const wav = encodeWav(toPcm16(voice(16_000, 1)).subarray(0, 800), { sampleRate: 16_000 });

async function rig(binary: string, settings = {}) {
  const server = await startTestServer({ binary, secured: true, settings });
  const bus = await connectBus({ name: "test", ...server.as() });
  const own = await connectBus({ name: "ingest", ...server.as("ingest") });
  const start = () =>
    createIngest({ bus: own, settings: readSettings(ingestSettings, {}), log: createLog("ingest", "silent") });
  return {
    bus,
    start,
    async [Symbol.asyncDispose]() {
      await own.close();
      await bus.close();
      await server.stop();
    },
  };
}

async function say(bus: Bus, batchId: string = randomUUID()): Promise<string> {
  const headers = [[headerNames.contentType, "text/plain"]] as const;
  await bus.publishOnce(subjects.intake("lab", batchId), "Hello there.", { headers });
  return batchId;
}

const jobsOf = async (bus: Bus, batchId: string) =>
  (await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).size;
const waiting = async (bus: Bus) => (await bus.streamState(streams.waiting)).messages;
const polling = { timeout: 90_000, interval: 50 };

describe.each(someOf(await testServers(), 2))("texts without a worker, on nats-server $version", ({ binary }) => {
  test("let drops by: INTAKE's floor moves, and nothing is refused, however small it is", async () => {
    await using here = await rig(binary, { INTAKE_MAX_BYTES: 1_048_576 });
    const { bus } = here;
    const ingest = await here.start();
    const texts = await Promise.all(Array.from({ length: 40 }, () => say(bus)));
    let dropped = 0;
    for (let round = 0; round < 20; round += 1) {
      const drops = Array.from({ length: 50 }, () => subjects.intake("lab", randomUUID()));
      // Any of them is refused (`queue_full`) where nothing behind the texts may go.
      await Promise.all(drops.map((subject) => bus.publishOnce(subject, wav)));
      dropped += drops.length;
      await expect
        .poll(() => bus.countSubjects(streams.jobs, "speech.job.transcribe.>"), polling)
        .toHaveProperty("size", dropped);
      // As the janitor does it.
      await expect
        .poll(async () => (await bus.consumerState(streams.intake, durables.ingest)).ackPending, polling)
        .toBe(0);
      const { ackFloor } = await bus.consumerState(streams.intake, durables.ingest);
      await bus.purgeBelow(streams.intake, ackFloor + 1);
      expect((await bus.streamState(streams.intake)).messages).toBe(0);
    }
    expect(await waiting(bus)).toBe(texts.length);

    const stop = await answerAsWorker(bus, { operations: ["custom_voice"] });
    for (const batchId of texts) await expect.poll(() => jobsOf(bus, batchId), polling).toBe(1);
    await expect.poll(() => waiting(bus), polling).toBe(0);
    stop();
    await ingest.close();
  });

  test("wait through restarts, and leave when their batch is cancelled", async () => {
    await using here = await rig(binary);
    const { bus } = here;
    let ingest = await here.start();
    const [said, cancelled] = [await say(bus), await say(bus)];
    await expect.poll(() => waiting(bus), polling).toBe(2);
    await ingest.close();
    await openBatchNotebook(bus).cancel(cancelled, 1);
    ingest = await here.start();
    await expect.poll(() => waiting(bus), polling).toBe(1);
    // The publisher's retry is the same text.
    await bus.purgeSubject(streams.intake, subjects.intake("lab", said));
    await say(bus, said);
    const stop = await answerAsWorker(bus, { operations: ["custom_voice"] });
    await expect.poll(() => jobsOf(bus, said), polling).toBe(1);
    await expect.poll(() => waiting(bus), polling).toBe(0);
    expect(await jobsOf(bus, cancelled)).toBe(0);
    expect((await bus.streamState(streams.dead)).messages).toBe(0);
    stop();
    await ingest.close();
  });
});
