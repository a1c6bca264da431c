import { setTimeout as pause } from "node:timers/promises";
import { ACK_WAIT_MS, durables, streams, subjects } from "@parlance/contracts";
import { afterEach, expect, test } from "vitest";
import { handClock, setAckWait, useTestServer } from "../testing/index.ts";
import { type Consumer, type ConsumerOptions, createConsumer, retryDelayMs } from "./consumer.ts";
import type { Held } from "./hold.ts";

const rig = useTestServer();
const quiet = { info() {}, warn() {} };
const jobs = { stream: streams.jobs, durable: durables.worker("transcribe", "batch") };
let open: Consumer[] = [];

afterEach(async () => {
  for (const consumer of open) {
    await consumer.stop();
    consumer.close();
  }
  open = [];
  await rig.bus.purgeSubject(streams.jobs, ">");
});

async function consume(room: () => number, options: Partial<ConsumerOptions> = {}) {
  const accepted: Held[] = [];
  const consumer = createConsumer({
    bus: rig.bus,
    sources: [{ ...jobs, room }],
    accept: (held) => void accepted.push(...held),
    log: quiet,
    ...options,
  });
  open.push(consumer);
  return { consumer, accepted };
}

async function publish(count: number, batchId: string): Promise<void> {
  for (let item = 0; item < count; item += 1) {
    await rig.bus.publishOnce(subjects.job("transcribe", "batch", batchId, String(item), 0), "x");
  }
}

test("as many messages are pulled as there is room for, and more when it is told that there is", async () => {
  await publish(5, "room");
  let room = 2;
  const accepted: Held[] = [];
  const { consumer } = await consume(() => room - accepted.length, { accept: (held) => void accepted.push(...held) });
  await expect.poll(() => accepted.length).toBe(2);
  expect((await rig.bus.consumerState(jobs.stream, jobs.durable)).pending).toBe(3);
  room = 4;
  consumer.poke();
  await expect.poll(() => accepted.length).toBe(4);
  expect(consumer.held).toBe(4);
  await Promise.all(accepted.map((held) => held.ack()));
  expect(consumer.held).toBe(0);
});

test("a message that is worked on for several ack timers is not delivered again", async () => {
  await setAckWait(rig.bus, jobs, 300);
  await publish(1, "long");
  const [mine, others] = [await consume(() => 1), await consume(() => 1)];
  await pause(1_500);
  const taken = [...mine.accepted, ...others.accepted];
  expect(taken.map(({ deliveries }) => deliveries)).toEqual([1]);
  await taken[0]?.ack();
  await setAckWait(rig.bus, jobs, ACK_WAIT_MS);
});

test("a message of a process that was stopped goes to another, and the first one is told", async () => {
  await setAckWait(rig.bus, jobs, 500);
  await publish(1, "stopped");
  const lapsed: number[] = [];
  // Its clock stands still, as everything does in a process that is stopped.
  const clock = handClock();
  let room = 1;
  const first = await consume(() => room, { clock, onLapsed: (held) => lapsed.push(held.seq) });
  await expect.poll(() => first.accepted.length).toBe(1);
  room = 0;
  const second = await consume(() => 1);
  await expect.poll(() => second.accepted.length, { timeout: 5_000 }).toBe(1);
  clock.stopFor(2_000);
  expect(lapsed).toEqual(second.accepted.map(({ seq }) => seq));
  // What the first one says now is not heard: the second one has it.
  first.accepted[0]?.nak(0);
  await second.accepted[0]?.ack();
  expect(await rig.bus.consumerState(jobs.stream, jobs.durable)).toMatchObject({ pending: 0, ackPending: 0 });
  await setAckWait(rig.bus, jobs, ACK_WAIT_MS);
});

test("nothing is pulled while nothing may be begun", async () => {
  await publish(1, "full");
  let [full, asked] = [true, 0];
  const mayBegin = async () => {
    asked += 1;
    return !full;
  };
  const { accepted } = await consume(() => 1, { mayBegin });
  await expect.poll(() => asked, { timeout: 5_000 }).toBe(2);
  expect(accepted).toEqual([]);
  full = false;
  await expect.poll(() => accepted.length, { timeout: 5_000 }).toBe(1);
  await accepted[0]?.ack();
});

test("a pull that is withdrawn leaves nothing behind: another consumer has the next message at once", async () => {
  let room = 1;
  const { consumer, accepted } = await consume(() => room);
  await pause(100);
  room = 0;
  consumer.withdraw();
  const other = await consume(() => 1);
  await publish(1, "withdrawn");
  await expect.poll(() => other.accepted.length).toBe(1);
  expect(accepted).toEqual([]);
  await other.accepted[0]?.ack();
});

test("what fails to be pulled is tried again, and told once", async () => {
  await publish(1, "failing");
  const told: string[] = [];
  let failures = 2;
  const { accepted } = await consume(() => 1, {
    bus: {
      ackWait: rig.bus.ackWait,
      pull: (options) => (failures-- > 0 ? Promise.reject(new Error("away")) : rig.bus.pull(options)),
    },
    log: { info() {}, warn: (_, message) => void told.push(message) },
  });
  await expect.poll(() => accepted.length, { timeout: 5_000 }).toBe(1);
  expect(told).toHaveLength(1);
  await accepted[0]?.ack();
});

test("a message that is not settled when its consumer closes comes again", async () => {
  await publish(1, "again");
  const first = await consume(() => 1);
  await expect.poll(() => first.accepted.length).toBe(1);
  await first.consumer.stop();
  for (const held of first.accepted) held.nak(0);
  first.consumer.close();
  const second = await consume(() => 1);
  await expect.poll(() => second.accepted.length).toBe(1);
  expect(second.accepted[0]?.deliveries).toBe(2);
  await second.accepted[0]?.ack();
});

test("the durable says how long its ack timer is, and every one of the topology says the same", async () => {
  for (const [stream, durable] of [
    [streams.intake, durables.ingest],
    [streams.results, durables.results],
    [jobs.stream, jobs.durable],
  ] as const) {
    expect(await rig.bus.ackWait(stream, durable)).toBe(ACK_WAIT_MS);
  }
});

test("who failed often is tried again less and less often", () => {
  expect([0, 1, 2, 3, 6, 7, 100].map(retryDelayMs)).toEqual([1_000, 1_000, 2_000, 4_000, 32_000, 32_000, 32_000]);
});
