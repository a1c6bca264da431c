/** Live sessions whose ingest dies: before each of its writes, killed, and stopped for a while. Nothing is lost, and nothing is there twice. */
import { setTimeout as pause } from "node:timers/promises";
import { createListenerPool } from "@parlance/audio/live";
import { talk } from "@parlance/audio/testing";
import type { Bus } from "@parlance/bus";
import { type ServiceProcess, startServiceProcess, useTestServer } from "@parlance/bus/testing";
import { batchEntries, readSettings, subjects } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { createIngest, ingestSettings } from "../ingest.ts";
import { bytesOf, FRAME, type LivePublisher, livePublisher } from "./testing/live-rig.ts";

const rig = useTestServer({ secured: true });
const listeners = createListenerPool();
const { samples, places } = talk(["espeak-1", "flite-slt-1"], 800);
let over = new AbortController();

beforeEach(() => {
  over = new AbortController();
  const answer = (subject: string) => JSON.stringify({ sessionId: subject.split(".").at(-1), concluded: false });
  const asked = subjects.liveConclude("*");
  rig.bus.serve(asked, "results", async ({ subject, respond }) => respond(answer(subject)), over.signal);
});
afterEach(async () => {
  over.abort();
  await rig.closeAll();
});
afterAll(() => listeners.close());

/** What it writes down, as a process does that dies before its write number `last`. */
function dying(bus: Bus, last: number) {
  let writes = 0;
  let died: (() => void) | undefined;
  const death = new Promise<void>((resolve) => (died = resolve));

  async function write<Written>(doing: () => Promise<Written>): Promise<Written> {
    writes += 1;
    if (writes < last) return await doing();
    died?.();
    await bus.connection.close();
    throw new Error("this ingest is dead");
  }

  const mortal: Bus = {
    ...bus,
    get maxPayload() {
      return bus.maxPayload;
    },
    get connected() {
      return bus.connected;
    },
    publish: (...message) => (writes < last ? bus.publish(...message) : undefined),
    publishOnce: (...message) => write(() => bus.publishOnce(...message)),
    request: (...asked) =>
      asked[0].startsWith("speech.live.conclude.") ? write(() => bus.request(...asked)) : bus.request(...asked),
    bucket(kind) {
      const bucket = bus.bucket(kind);
      return {
        ...bucket,
        create: (...entry) => write(() => bucket.create(...entry)),
        update: (...entry) => write(() => bucket.update(...entry)),
        delete: (...entry) => write(() => bucket.delete(...entry)),
      };
    },
  };
  return { mortal, death };
}

async function ingestOn(bus: Bus): Promise<void> {
  const pool = { ...listeners, close: async () => undefined };
  const settings = readSettings(ingestSettings, {});
  rig.closeAfter(await createIngest({ bus, settings, log: createLog("ingest", "silent"), listeners: pool }));
}

async function expectWhole(session: LivePublisher): Promise<void> {
  const record = await session.record();
  const jobs = await session.jobs();
  expect(record?.open).toBeUndefined();
  expect(record?.items.map(({ itemId }) => itemId)).toEqual(["0", "1"]);
  expect(jobs.map(({ itemId }) => itemId)).toEqual(["0", "1"]);
  for (const [n, { start = 0, samples: length = 0 }] of (record?.items ?? []).entries()) {
    const { start: from = 0, end: to = 0 } = places[n] ?? {};
    expect([start < from, start + length > to]).toEqual([true, true]);
    const spoken = bytesOf(samples.slice(start, start + length));
    expect(Buffer.compare(bytesOf(jobs[n]?.samples ?? new Int16Array()), spoken)).toBe(0);
  }
}

/** Where utterances lie when nothing dies. */
let undisturbed: unknown;

test("an ingest that dies before any of its writes is followed by one that goes on as if nothing had happened", async () => {
  for (let last = 1; ; last += 1) {
    const { mortal, death } = dying(await rig.connectAs("ingest"), last);
    const session = await livePublisher(rig.bus, over.signal);
    await ingestOn(mortal);
    await session.say(samples, { headers: { "Parlance-Language": "English" } });
    await session.sign("close");
    const ended = untilForgotten(session);
    const survived = await Promise.race([death.then(() => false), ended.then(() => true)]);
    if (!survived) {
      await ingestOn(await rig.connectAs("ingest"));
      await ended;
    }
    await expectWhole(session);
    undisturbed ??= (await session.record())?.items;
    expect((await session.record())?.items).toEqual(undisturbed);
    expect(new Set(session.of("speech_stopped").map(({ itemId }) => itemId))).toEqual(new Set(["0", "1"]));
    await rig.closeAll();
    if (!survived) continue;
    // Entry, record, three for each utterance, two at the end, the question, and the entry's end.
    expect(last).toBe(13);
    return;
  }
}, 120_000);

/** Its entry is gone: nobody need do anything more. */
async function untilForgotten(session: LivePublisher): Promise<void> {
  await session.until("closed");
  while (await session.hasEntry()) await pause(10);
}

function startProcess(): ServiceProcess {
  const main = new URL("../main.ts", import.meta.url);
  const ingest = startServiceProcess({ server: rig.server, user: "ingest", main });
  rig.closeAfter({ close: () => ingest.kill() });
  return ingest;
}

/** Whoever takes a session over writes its record: here it takes longer than holders are looked at again. */
function slowToTakeOver(bus: Bus) {
  const { promise: written, resolve } = Promise.withResolvers<void>();
  let writes = 0;
  const slow: Bus = {
    ...bus,
    get maxPayload() {
      return bus.maxPayload;
    },
    get connected() {
      return bus.connected;
    },
    bucket(kind) {
      const bucket = bus.bucket(kind);
      if (kind.prefix !== batchEntries.record.prefix) return bucket;
      return {
        ...bucket,
        async update(...entry) {
          if (++writes > 1) return await bucket.update(...entry);
          await pause(2_500);
          const revision = await bucket.update(...entry);
          resolve();
          return revision;
        },
      };
    },
  };
  return { slow, written };
}

test("a takeover that takes long is one", async () => {
  const first = startProcess();
  await first.says("taking in");
  const session = await livePublisher(rig.bus, over.signal);
  const middle = Math.floor(((places[0]?.start ?? 0) + 20_000) / FRAME) * FRAME;
  await session.say(samples, { to: middle });
  await session.until("speech_started");
  const { slow, written } = slowToTakeOver(await rig.connectAs("ingest"));
  await ingestOn(slow);
  await first.kill();
  let isWritten = false;
  void written.then(() => {
    isWritten = true;
  });
  while (!isWritten || session.of("opened").length < 2) {
    await session.sign("keepalive");
    await pause(100);
  }
  await session.say(samples, { from: middle });
  await session.sign("close");
  await session.until("closed");
  await expectWhole(session);
  expect(session.of("opened").map(({ resumed }) => resumed)).toEqual([false, true]);
}, 60_000);

test("one that was stopped for a while lets go of its session, and goes on with it when the other one is killed", async () => {
  const first = startProcess();
  await first.says("taking in");
  const session = await livePublisher(rig.bus, over.signal);
  const inFirst = Math.floor(((places[0]?.start ?? 0) + 20_000) / FRAME) * FRAME;
  const inSecond = Math.floor(((places[1]?.start ?? 0) + 20_000) / FRAME) * FRAME;
  await session.say(samples, { to: inFirst });
  await session.until("speech_started");
  const second = startProcess();
  await second.says("taking in");
  first.child.kill("SIGSTOP");
  while (session.of("opened").length < 2) {
    await session.sign("keepalive");
    await pause(100);
  }
  await session.until("speech_started", 2);
  await session.say(samples, { from: inFirst, to: inSecond });
  first.child.kill("SIGCONT");
  await session.until("speech_stopped");
  await session.until("speech_started", 3);
  await second.kill();
  await session.say(samples, { from: inSecond });
  await session.sign("close");
  await session.until("closed");
  await expectWhole(session);
  expect((await session.record())?.items).toEqual(undisturbed);
  expect(session.of("opened").map(({ resumed }) => resumed)).toEqual([false, true, true]);
  expect(session.of("closed")).toHaveLength(1);
  // Who was stopped has told nothing of what it had missed: the second instance, and then the first, each from where it began.
  expect(session.of("speech_stopped").map(({ itemId }) => itemId)).toEqual(["0", "1"]);
}, 60_000);
