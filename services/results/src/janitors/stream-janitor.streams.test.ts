/** The janitor at a real stream: what waits keeps nothing but its own lane, and what is fresh is never taken for finished. */
import { type Bus, connectBus } from "@parlance/bus";
import { durables, lanes, operations, streams, subjects } from "@parlance/contracts";
import { startTestServer, testServers } from "@parlance/nats/testing";
import { describe, expect, test } from "vitest";
import { sweepStream } from "./stream-janitor.ts";

const MIB = 1_048_576;
const jobs = {
  stream: streams.jobs,
  subject: "speech.job.>",
  durables: operations.flatMap((operation) =>
    lanes.map((lane) => ({ durable: durables.worker(operation, lane), subject: subjects.jobLane(operation, lane) })),
  ),
};

/** Runs jobs of the lane as a worker does, as far as there are any. */
async function work(bus: Bus): Promise<void> {
  const pulled = await bus.pull({ stream: streams.jobs, durable: "transcribe-batch", max: 64, waitMs: 0 });
  await Promise.all(pulled.map((delivery) => delivery.ack()));
}

describe.each(await testServers())("JOBS on nats-server $version", ({ binary }) => {
  test("takes thousands of jobs past texts that wait for a worker and one job that is never acknowledged", async () => {
    await using server = await startTestServer({ binary, settings: { JOBS_MAX_BYTES: MIB } });
    const bus = await connectBus({ name: "test", ...server.as() });
    const sweep = () => sweepStream({ bus, ...jobs, replayWindowMs: 86_400_000, now: Date.now });
    const waiting = [
      subjects.job("custom_voice", "batch", "w", "0", 0),
      subjects.job("voice_clone", "realtime", "w", "1", 0),
    ];
    for (const subject of waiting) await bus.publishOnce(subject, "Hello.");
    const held = subjects.job("transcribe", "interactive", "w", "2", 0);
    await bus.publishOnce(held, "x");
    await bus.pull({ stream: streams.jobs, durable: "transcribe-interactive", max: 1, waitMs: 1_000 });

    const audio = new Uint8Array(8_000);
    for (let batch = 0; batch < 50; batch += 1) {
      await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          bus.publishOnce(subjects.job("transcribe", "batch", `b${batch}`, "0", n), audio),
        ),
      );
      await work(bus);
      await sweep();
    }
    for (const subject of [...waiting, held]) expect(await bus.last(streams.jobs, subject), subject).toBeDefined();
    // What is waiting is delivered all the same, and nothing was taken before it was.
    for (const durable of ["custom_voice-batch", "voice_clone-realtime"]) {
      expect(await bus.pull({ stream: streams.jobs, durable, max: 9, waitMs: 1_000 })).toHaveLength(1);
    }
    while ((await bus.consumerState(streams.jobs, "transcribe-batch")).pending > 0) await work(bus);
    await bus.close();
  }, 120_000);

  test("with REPLAY_WINDOW=0 loses only what is finished and a minute old, in every lane", async () => {
    await using server = await startTestServer({ binary });
    const bus = await connectBus({ name: "test", ...server.as() });
    const sweep = (now: number) => sweepStream({ bus, ...jobs, replayWindowMs: 0, now: () => now });
    const publish = (n: number) => bus.publishOnce(subjects.job("transcribe", "batch", "b", "0", n), "x");
    for (let n = 0; n < 3; n += 1) await publish(n);
    const [first] = await bus.pull({ stream: streams.jobs, durable: "transcribe-batch", max: 1, waitMs: 1_000 });
    await first?.ack();
    expect(await sweep(Date.now())).toBe(0);
    expect(await sweep(Date.now() + 61_000)).toBe(1);
    expect(await sweep(Date.now() + 61_000)).toBe(0);
    expect((await bus.streamState(streams.jobs)).messages).toBe(2);

    // A server of a cluster that has not seen the newest jobs counts none that wait.
    const lagging: Bus = {
      ...bus,
      async consumerState(stream, durable) {
        const state = await bus.consumerState(stream, durable);
        const { lastSeq } = await bus.streamState(stream);
        return { ...state, pending: 0, ackFloor: state.ackPending === 0 ? lastSeq : state.ackFloor };
      },
    };
    const late = { ...jobs, replayWindowMs: 0, now: () => Date.now() + 61_000 };
    expect(await sweepStream({ bus: lagging, ...late })).toBe(0);
    expect((await bus.streamState(streams.jobs)).messages).toBe(2);
    await bus.close();
  });
});
