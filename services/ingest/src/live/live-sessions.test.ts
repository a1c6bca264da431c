/** Live sessions on a real nats-server, with real speech heard by the real voice activity model. */
import { randomUUID } from "node:crypto";
import { encodeWav } from "@parlance/audio";
import { createListenerPool, type ListenerPool } from "@parlance/audio/live";
import { talk } from "@parlance/audio/testing";
import { type Bus, openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  batchEntries,
  type LiveState,
  MAX_FRAME_BYTES,
  readHeaders,
  readSettings,
  streams,
  subjects,
  type WindowHeaders,
  windowHeadersSchema,
} from "@parlance/contracts";
import { ensureTopology } from "@parlance/nats";
import { createResults, resultsSettings } from "@parlance/results";
import { createLog } from "@parlance/telemetry";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createIngest, type Ingest, ingestSettings } from "../ingest.ts";
import { bytesOf, FRAME, type LivePublisher, livePublisher } from "./testing/live-rig.ts";

const rig = useTestServer({ secured: true, publishers: ["lab"] });
const listeners = createListenerPool();
const shared: ListenerPool = { ...listeners, close: async () => undefined };
/** Two sentences, and a second of a quiet room around each. */
const { samples, places } = talk(["espeak-1", "flite-slt-1"], 1_000);
let over = new AbortController();

beforeEach(async () => {
  over = new AbortController();
  const bus = await rig.connectAs("results");
  const log = createLog("results", "silent");
  rig.closeAfter(await createResults({ bus, settings: readSettings(resultsSettings, {}), log }));
});
afterEach(async () => {
  over.abort();
  await rig.closeAll();
  await rig.bus.purgeBelow(streams.live, (await rig.bus.streamState(streams.live)).lastSeq + 1);
  for (const key of await rig.bus.bucket(batchEntries.session).keys("*")) {
    await rig.bus.bucket(batchEntries.session).purge(key);
  }
});
afterAll(() => listeners.close());

async function start(environment: Record<string, string> = {}, pool: ListenerPool = shared): Promise<Ingest> {
  const bus = await rig.connectAs("ingest");
  const settings = readSettings(ingestSettings, environment);
  const log = createLog("ingest", process.env.LIVE_LOG ?? "silent");
  return rig.closeAfter(await createIngest({ bus, settings, log, listeners: pool }));
}

const publisher = (options: { source?: string; sessionId?: string } = {}): Promise<LivePublisher> =>
  livePublisher(rig.bus, over.signal, options);

const kinds = (states: readonly LiveState[]) => states.map(({ type }) => type).filter((type) => type !== "heard");

/** Its utterances' jobs are the session's samples where the record says that they lie, one after the other. */
async function expectWhole(session: LivePublisher, utterances: number): Promise<void> {
  const record = await session.record();
  const jobs = await session.jobs();
  expect(record?.items.map(({ itemId }) => itemId)).toEqual(Array.from({ length: utterances }, (_, n) => String(n)));
  expect(jobs.map(({ itemId }) => itemId)).toEqual(record?.items.map(({ itemId }) => itemId));
  let end = 0;
  for (const [n, { start = -1, samples: length = -1 }] of (record?.items ?? []).entries()) {
    expect(start).toBeGreaterThanOrEqual(end);
    end = start + length;
    expect(Buffer.compare(bytesOf(jobs[n]?.samples ?? new Int16Array()), bytesOf(samples.slice(start, end)))).toBe(0);
  }
}

test("what is spoken becomes one job an utterance, as the file way makes it of the same samples", async () => {
  await start();
  const session = await publisher();
  await session.say(samples, { headers: { "Parlance-Language": "English", "Parlance-Timestamps": "true" } });
  await session.sign("close");
  expect(await session.until("closed")).toMatchObject({ utterances: 2, seconds: samples.length / 16_000 });
  expect(kinds(session.states)).toEqual([
    ...["opened", "speech_started", "speech_stopped", "speech_started", "speech_stopped", "closed"],
  ]);
  await expectWhole(session, 2);
  const record = await session.record();
  expect(record).toMatchObject({ lane: "realtime", source: "lab", label: "" });
  expect(record?.open).toBeUndefined();
  for (const [n, { start: from, end: to }] of places.entries()) {
    const { start = 0, samples: length = 0 } = record?.items[n] ?? {};
    // The prefix is before the speech, the silence behind it.
    expect(start).toBeLessThan(from);
    expect(start + length).toBeGreaterThan(to);
  }
  await vi.waitFor(async () => expect(await session.hasEntry()).toBe(false));

  const [job] = await session.jobs();
  const asFile = await publisher();
  const wav = encodeWav(job?.samples ?? new Int16Array(), { sampleRate: 16_000 });
  await rig.bus.publishOnce(subjects.intake("lab", asFile.sessionId), wav, {
    headers: [
      ["Parlance-Lane", "realtime"],
      ["Parlance-Language", "English"],
      ["Parlance-Timestamps", "true"],
    ],
  });
  await vi.waitFor(async () => expect(await asFile.jobs()).toHaveLength(1), 20_000);
  const [filed] = await asFile.jobs();
  expect(filed?.samples).toEqual(job?.samples);
  const { submittedAt: _, ...headers } = job?.headers ?? {};
  expect(filed?.headers).toMatchObject(headers);
});

test("a publisher with nothing but a NATS client, who counts nothing, is heard alike", async () => {
  await start();
  const session = await publisher();
  const nc = await rig.server.connect("lab");
  for (let at = 0; at < samples.length; at += FRAME) {
    nc.publish(subjects.liveAudio(session.sessionId), bytesOf(samples.slice(at, at + FRAME)));
  }
  await nc.flush();
  await session.sign("close");
  await session.until("closed");
  await expectWhole(session, 2);
});

test("frames doubled, overlapping and in disorder are heard once; what never comes is silence, and told", async () => {
  await start();
  const session = await publisher();
  const at = (n: number) => ({ "Parlance-Position": n * FRAME });
  const data = (n: number, frames = 1) => bytesOf(samples.slice(n * FRAME, (n + frames) * FRAME));
  await session.frame(data(0), at(0));
  for (let n = 1; n < 60; n += 3) {
    await session.frame(data(n + 1), at(n + 1));
    await session.frame(data(n, 2), at(n));
    await session.frame(data(n - 1, 4), at(n - 1));
  }
  await session.say(samples, { from: 0 });
  await session.sign("close");
  await session.until("closed");
  await expectWhole(session, 2);
  expect(session.of("gap")).toEqual([]);

  const holed = await publisher();
  await holed.say(samples, { to: 5 * FRAME });
  await holed.say(samples, { from: 7 * FRAME });
  await holed.sign("close");
  await holed.until("closed");
  expect(holed.of("gap")).toMatchObject([{ start: 0.5, end: 0.7 }]);
  expect((await holed.record())?.items).toEqual((await session.record())?.items);
});

test("finalize ends the utterance where it is said; update counts from the next one on", async () => {
  await start();
  const session = await publisher();
  const half = Math.floor(((places[0]?.start ?? 0) + (places[0]?.end ?? 0)) / 2 / FRAME) * FRAME;
  await session.say(samples, { to: half });
  await session.sign("finalize");
  expect(await session.until("speech_stopped")).toMatchObject({ itemId: "0", cause: "finalize" });
  await session.sign("update", { "Parlance-Language": "German", "Content-Type": "audio/pcm;rate=16000" });
  await session.sign("update", { "Content-Type": "audio/mulaw" });
  expect(await session.until("refused")).toMatchObject({ error: { param: "Content-Type" } });
  await session.sign("update", { "Parlance-Silence-Ms": "7" });
  await session.say(samples, { from: half });
  await session.sign("close");
  await session.until("closed");
  const jobs = await session.jobs();
  expect(jobs.map(({ headers }) => headers.language)).toEqual(["auto", "German", "German"]);
  await expectWhole(session, 3);
});

test("other rates and encodings are heard at 16 kHz", async () => {
  await start();
  const session = await publisher();
  const slow = Int16Array.from({ length: samples.length / 2 }, (_, at) => samples[2 * at] ?? 0);
  for (let at = 0; at < slow.length; at += 400) {
    const headers = { "Content-Type": "audio/pcm;rate=8000", "Parlance-Position": at };
    await session.frame(bytesOf(slow.slice(at, at + 400)), headers);
  }
  await session.sign("close");
  expect(await session.until("closed")).toMatchObject({ utterances: 2 });
  const items = (await session.record())?.items ?? [];
  for (const [n, { start: from, end: to }] of places.entries()) {
    expect(items[n]?.start).toBeLessThan(from);
    expect((items[n]?.start ?? 0) + (items[n]?.samples ?? 0)).toBeGreaterThan(to);
  }
});

describe("windows", () => {
  interface Seen {
    headers: WindowHeaders;
    samples: Int16Array;
  }

  /** A worker that hears one character for each 100 ms, and calls all but the last three stable. */
  async function worker(seen: Seen[]): Promise<void> {
    const windows = rig.bus.subscribe(subjects.liveWindow("*"), over.signal);
    await rig.bus.flush();
    void (async () => {
      for await (const { subject, headers, data } of windows) {
        const read = readHeaders(windowHeadersSchema, headers);
        seen.push({ headers: read, samples: new Int16Array(Uint8Array.from(data).buffer) });
        const text = "x".repeat(data.length / 3_200);
        const answer = {
          ...{ item: read.item, window: read.window, outcome: "heard", startedAt: 0, finishedAt: 1 },
          ...{ stable: text.slice(0, -3), tail: text.slice(-3), memory: { windows: seen.length } },
          ...{ language: "English", model: "m", passSize: 1 },
        };
        rig.bus.publish(subjects.liveHeard(subject.split(".").at(-1) ?? ""), JSON.stringify(answer));
      }
    })();
  }

  test("the utterance so far is heard again as it grows, and nothing while nobody speaks", async () => {
    await start({ LIVE_PARTIAL_MS: "50" });
    const seen: Seen[] = [];
    await worker(seen);
    const session = await publisher();
    for (let at = 0; at < samples.length; at += FRAME) {
      await session.say(samples, { from: at, to: at + FRAME });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await session.sign("close");
    await session.until("closed");
    const items = (await session.record())?.items ?? [];
    expect(seen.length).toBeGreaterThan(6);
    for (const item of items) {
      const windows = seen.filter(({ headers }) => headers.item === item.itemId);
      const start = item.start ?? 0;
      expect(windows.map(({ headers }) => headers.window)).toEqual(windows.map((_, n) => n));
      expect(windows[0]?.headers.memory).toBeUndefined();
      for (const [n, window] of windows.entries()) {
        const end = start + window.samples.length;
        expect(Buffer.compare(bytesOf(window.samples), bytesOf(samples.slice(start, end)))).toBe(0);
        // Speech is in it that was not in the one before; the silence behind the speech is not sent.
        expect(window.samples.length).toBeGreaterThan(windows[n - 1]?.samples.length ?? 0);
        expect(end).toBeLessThan((places[Number(item.itemId)]?.end ?? 0) + 0.5 * 16_000);
      }
      expect(windows.slice(1).map(({ headers }) => headers.memory)).toEqual(
        windows.slice(1).map((window) => ({ windows: seen.indexOf(window) })),
      );
    }
    const texts = session.partials.filter(({ itemId }) => itemId === "0");
    expect(texts.length).toBeGreaterThan(2);
    for (const [n, { stable }] of texts.entries()) expect(stable.startsWith(texts[n - 1]?.stable ?? "")).toBe(true);
    expect(texts[0]).toMatchObject({ language: "English", start: (items[0]?.start ?? 0) / 16_000 });
  });

  test("none is sent where no partial texts are wanted", async () => {
    await start();
    const seen: Seen[] = [];
    await worker(seen);
    const session = await publisher();
    await session.say(samples, { headers: { "Parlance-Partials": "false" } });
    await session.sign("close");
    await session.until("closed");
    expect(seen).toEqual([]);
  });
});

describe("what is not taken", () => {
  test.each([
    [{ "Content-Type": "audio/flac" }, "Content-Type"],
    [{ "Parlance-Language": "Klingon" }, "Parlance-Language"],
    [{ "Parlance-Silence-Ms": "-1" }, "Parlance-Silence-Ms"],
  ])("a first frame with %j opens nothing, and a better one after it does", async (headers, param) => {
    await start();
    const session = await publisher();
    await session.frame(bytesOf(samples.slice(0, FRAME)), headers);
    expect(await session.until("closed")).toMatchObject({ error: { code: "validation_failed", param } });
    await session.say(samples, { from: FRAME, to: 3 * FRAME });
    expect(await session.record()).toBeUndefined();
    await session.say(samples, { headers: { "Content-Type": "audio/pcm;rate=16000" } });
    await session.sign("close");
    await session.until("closed", 2);
    await expectWhole(session, 2);
  });

  test("a bad frame, one that is too long and one of another source are refused, and the session goes on", async () => {
    await start();
    const session = await publisher();
    await session.say(samples, { to: 10 * FRAME });
    await session.until("opened");
    await session.frame(new Uint8Array(3));
    expect(await session.until("refused")).toMatchObject({ error: { code: "frame_invalid" } });
    await session.frame(new Uint8Array(10), { "Parlance-Position": "here" });
    expect(await session.until("refused", 2)).toMatchObject({ error: { param: "Parlance-Position" } });
    const other = await publisher({ source: "other", sessionId: session.sessionId });
    await other.say(samples);
    await other.sign("cancel");
    expect(await session.until("refused", 3)).toMatchObject({ error: { code: "batch_id_taken" } });
    await expect(
      rig.bus.publishOnce(subjects.liveAudioOf("lab", session.sessionId), new Uint8Array(MAX_FRAME_BYTES + 70_000)),
    ).rejects.toThrow();
    await session.say(samples, { from: 10 * FRAME });
    await session.sign("close");
    await session.until("closed");
    await expectWhole(session, 2);
  });

  test("an id that another batch has, and one whose session is over", async () => {
    await start();
    const taken = await publisher();
    await openBatchNotebook(rig.bus).enter({
      batchId: taken.sessionId,
      label: "",
      lane: "batch",
      acceptedAt: 1,
      items: [{ itemId: "0", operation: "transcribe" }],
    });
    await taken.say(samples, { to: FRAME });
    expect(await taken.until("closed")).toMatchObject({ error: { code: "batch_id_taken" } });
    expect(await taken.hasEntry()).toBe(false);

    const session = await publisher();
    await session.say(samples, { to: FRAME });
    await session.sign("close");
    expect((await session.until("closed")).error).toBeUndefined();
    await rig.closeAll();
    await start();
    await session.say(samples, { to: FRAME, headers: { "Parlance-Language": "auto" } });
    expect(await session.until("closed", 2)).toMatchObject({ error: { code: "session_ended" } });
    const stranger = await publisher({ source: "other", sessionId: session.sessionId });
    await stranger.say(samples, { to: FRAME });
  });

  test("no more sessions than LIVE_SESSIONS", async () => {
    await start({ LIVE_SESSIONS: "1" });
    const [first, second] = [await publisher(), await publisher()];
    await first.say(samples, { to: FRAME });
    await first.until("opened");
    await second.say(samples, { to: FRAME });
    expect(await second.until("closed")).toMatchObject({ error: { code: "too_many_sessions" } });
    await first.sign("close");
    await first.until("closed");
    await vi.waitFor(async () => expect(await first.hasEntry()).toBe(false));
    await second.say(samples, { headers: { "Parlance-Language": "auto" } });
    await second.until("opened");
  });
});

test("who pushes a recording faster than it can be heard is told; it waits in LIVE", async () => {
  await start();
  const session = await publisher();
  await session.say(new Int16Array(80 * 16_000));
  expect(await session.until("refused")).toMatchObject({ error: { code: "session_behind" } });
  await session.until("heard");
  await session.sign("cancel");
  expect((await session.until("closed")).seconds).toBeLessThan(60);
});

test("a nats-server that restarts in mid-sentence loses LIVE; what is sent again from the position told is whole", async () => {
  await start();
  const session = await publisher();
  const middle = Math.floor(((places[1]?.start ?? 0) + 16_000) / FRAME) * FRAME;
  await session.say(samples, { to: middle });
  await session.until("speech_started", 2);
  await rig.server.restart();
  // A memory stream goes with its server, as a whole: whoever starts that again makes the topology again.
  const topology = await rig.server.connect(rig.server.as().user);
  await ensureTopology(topology, { settings: rig.server.settings });
  await vi.waitFor(async () => expect(await session.hasEntry()).toBe(true), 20_000);
  await session.say(samples, { from: middle - 20 * FRAME });
  await session.sign("close");
  await session.until("closed");
  await expectWhole(session, 2);
  expect(session.of("gap")).toEqual([]);
});

describe("how a session ends", () => {
  test("abandoned, it is closed, and what was said is kept; who keeps it alive is not", async () => {
    await start({ LIVE_IDLE_TIMEOUT: "1" });
    const [kept, left] = [await publisher(), await publisher()];
    const to = Math.floor(((places[0]?.start ?? 0) + 24_000) / FRAME) * FRAME;
    for (const session of [kept, left]) await session.say(samples, { to });
    const alive = setInterval(() => void kept.sign("keepalive"), 200);
    expect(await left.until("closed")).toMatchObject({ error: { code: "session_idle" }, utterances: 1 });
    expect(left.of("speech_stopped")).toMatchObject([{ cause: "close" }]);
    await expectWhole(left, 1);
    expect(kept.of("closed")).toEqual([]);
    await kept.say(samples, { from: to });
    clearInterval(alive);
    await kept.sign("close");
    await kept.until("closed");
    // The time without sound is no silence.
    await expectWhole(kept, 2);
  });

  test("at its longest length", async () => {
    await start({ LIVE_SESSION_SECONDS: "10" });
    const session = await publisher();
    const long = new Int16Array(12 * 16_000);
    long.set(samples.subarray(0, long.length));
    await session.say(long);
    expect(await session.until("closed")).toMatchObject({ error: { code: "session_too_long" } });
  });

  test("cancelled by its publisher: what is not final is dropped", async () => {
    await start();
    const session = await publisher();
    await session.say(samples, { to: Math.floor((places[1]?.end ?? 0) / FRAME) * FRAME });
    await session.until("speech_started", 2);
    await session.sign("cancel");
    expect((await session.until("closed")).error).toBeUndefined();
    expect(await session.jobs()).toHaveLength(1);
    expect(await openBatchNotebook(rig.bus).isCancelled(session.sessionId)).toBe(true);
    await vi.waitFor(async () =>
      expect(await rig.bus.last(streams.results, subjects.summary(session.sessionId))).toBeDefined(),
    );
    expect((await session.record())?.open).toBeUndefined();
  });

  test("cancelled as a batch by somebody else", async () => {
    await start();
    const session = await publisher();
    await session.say(samples, { to: Math.floor((places[0]?.end ?? 0) / FRAME) * FRAME });
    await session.until("speech_started");
    await openBatchNotebook(rig.bus).cancel(session.sessionId, Date.now());
    expect(await session.until("closed")).toMatchObject({ error: { code: "cancelled" }, utterances: 0 });
    expect(await session.jobs()).toEqual([]);
  });
});

test("what came while nobody listened is heard when somebody does", async () => {
  const session = await publisher();
  await session.say(samples);
  await session.sign("close");
  await start();
  await session.until("closed");
  await expectWhole(session, 2);
});

test("what came while nobody listened and could not be opened at once is heard with the next frame, and all others at once", async () => {
  const [unlucky, other] = [await publisher(), await publisher()];
  for (const session of [unlucky, other]) await session.say(samples);
  await other.sign("close");
  const bus = await rig.connectAs("ingest");
  const failing = new Set([unlucky.sessionId]);
  const bucket: Bus["bucket"] = (definition) => {
    const real = bus.bucket(definition);
    return {
      ...real,
      async get(key) {
        if ((definition as unknown) === batchEntries.session && failing.delete(key)) throw new Error("for once");
        return await real.get(key);
      },
    };
  };
  const log = createLog("ingest", "silent");
  rig.closeAfter(
    await createIngest({
      ...{ bus: { ...bus, bucket }, settings: readSettings(ingestSettings, {}), log, listeners: shared },
    }),
  );
  await other.until("closed");
  await expectWhole(other, 2);
  expect(failing.size).toBe(0);
  await unlucky.sign("close");
  await unlucky.until("closed");
  await expectWhole(unlucky, 2);
});

test("cancelled before anybody listened, it is over with nothing of it transcribed", async () => {
  const session = await publisher();
  await session.say(samples, { to: Math.floor((places[0]?.end ?? 0) / FRAME) * FRAME });
  await session.sign("cancel");
  await start();
  expect((await session.until("closed")).error).toBeUndefined();
  expect(await session.jobs()).toEqual([]);
  expect((await session.record())?.open).toBeUndefined();
});

test("a finalize that changes nothing is answered as the one before it, and with nothing of what came behind", async () => {
  const session = await publisher();
  const end = Math.floor((places[0]?.end ?? 0) / FRAME) * FRAME;
  await session.say(samples, { to: end });
  for (const sign of ["finalize", "finalize"]) await session.sign(sign);
  await session.say(samples, { from: end, to: end + 5 * FRAME });
  await session.sign("finalize");
  await start();
  await vi.waitFor(() => expect(session.of("heard").at(-1)?.heard).toBe(end + 5 * FRAME), 10_000);
  expect(session.of("heard").filter(({ heard }) => heard === end)).toHaveLength(2);
  expect(session.of("speech_stopped")).toHaveLength(1);
});

test("a listener that dies is replaced, and the session is heard again from where it rests", async () => {
  const own = createListenerPool();
  await start({}, own);
  const session = await publisher();
  const middle = Math.floor(((places[1]?.start ?? 0) + 16_000) / FRAME) * FRAME;
  await session.say(samples, { to: middle });
  await session.until("speech_started", 2);
  for (const pid of own.pids) process.kill(pid, "SIGKILL");
  await session.say(samples, { from: middle });
  await session.sign("close");
  await session.until("closed");
  await expectWhole(session, 2);
});

test("a session whose ingest ends is gone on with by another", async () => {
  const first = await start();
  const session = await publisher();
  const middle = Math.floor(((places[0]?.start ?? 0) + 16_000) / FRAME) * FRAME;
  await session.say(samples, { to: middle });
  await session.until("speech_started");
  await start();
  await session.sign("keepalive");
  await first.close();
  await session.say(samples, { from: middle });
  await session.sign("close");
  expect(await session.until("opened", 2)).toMatchObject({ resumed: true, position: 0 });
  await session.until("closed");
  await expectWhole(session, 2);
  expect(session.of("closed")).toHaveLength(1);
});

test("an utterance in the record whose audio is lost fails, and the session goes on behind it", async () => {
  const session = await publisher();
  const sessions = rig.bus.bucket(batchEntries.session);
  await sessions.create(session.sessionId, {
    ...{ sessionId: session.sessionId, source: "lab", openedAt: Date.now(), holder: randomUUID(), wishes: {} },
    ...{ position: 0, rest: { at: 0, carriesOn: false }, utterances: 0, closed: false },
  });
  await openBatchNotebook(rig.bus).enter({
    ...{ batchId: session.sessionId, label: "", lane: "realtime", acceptedAt: 1, source: "lab", open: true },
    items: [{ itemId: "0", operation: "transcribe", start: 0, samples: 8_000 }],
  });
  await start();
  await session.until("opened");
  await session.say(samples, { from: 5 * FRAME });
  await session.sign("close");
  expect(await session.until("closed")).toMatchObject({ utterances: 3 });
  const lost = await rig.bus.last(streams.results, subjects.result(session.sessionId, "0", 0));
  expect(JSON.parse(Buffer.from(lost?.data ?? "").toString())).toMatchObject({ error: { code: "audio_lost" } });
  expect((await session.jobs()).map(({ itemId }) => itemId)).toEqual(["1", "2"]);
});
