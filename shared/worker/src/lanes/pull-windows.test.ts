/** Windows of live sessions through a worker: a real nats-server, and the scripted engine, which is a real process. */
import { openBatchNotebook } from "@parlance/bus";
import {
  durables,
  leaseEntries,
  streams,
  subjects,
  type WindowAnswer,
  windowAnswerSchema,
  writeHeaders,
} from "@parlance/contracts";
import { ensureTopology } from "@parlance/nats";
import { afterEach, beforeEach, expect, test } from "vitest";
import { useWorkers } from "../testing/workers.ts";

const rig = useWorkers();
const { start } = rig;

let listening = new AbortController();
let heard: { session: string; answer: WindowAnswer }[] = [];
let number = 0;

beforeEach(async () => {
  const { bus } = rig.pipeline;
  heard = [];
  number += 1;
  listening = new AbortController();
  const messages = bus.subscribe(subjects.liveHeard("*"), listening.signal);
  void (async () => {
    for await (const { subject, data } of messages) {
      const answer = windowAnswerSchema.parse(JSON.parse(new TextDecoder().decode(data)));
      heard.push({ session: subject.split(".")[3] ?? "", answer });
    }
  })();
  await bus.flush();
});
afterEach(async () => {
  listening.abort();
  await rig.pipeline.bus.purgeSubject(streams.windows, ">");
});

const nameOf = (session: string | number) => `s${number}-${session}`;

async function say(session: string | number, script: string, { window = 0, lifeMs = 20_000 } = {}): Promise<void> {
  await rig.pipeline.bus.publishOnce(subjects.liveWindow(nameOf(session)), new TextEncoder().encode(script), {
    headers: writeHeaders({ item: "0", window, deadline: Date.now() + lifeMs }),
  });
}

const answersOf = (session: string | number) =>
  heard.flatMap((each) => (each.session === nameOf(session) ? [each.answer] : []));

async function answered(count: number): Promise<void> {
  await expect.poll(() => heard.length, { timeout: 20_000, interval: 5 }).toBeGreaterThanOrEqual(count);
}

async function settled(): Promise<void> {
  const state = () => rig.pipeline.bus.consumerState(streams.windows, durables.windows);
  await expect.poll(state, { timeout: 5_000, interval: 10 }).toMatchObject({ pending: 0, ackPending: 0 });
}

test("a worker without work notices a window, loads its model for it, and answers; the sessions that speak meanwhile share a pass", async () => {
  const worker = await start({ leaseTtl: 10 });
  await say("a", "sleep 300 first");
  await expect.poll(() => worker.state().loaded, { timeout: 20_000, interval: 5 }).toBe(true);
  for (const session of ["b", "c", "d"]) await say(session, `echo ${session}`);
  await answered(4);
  expect(answersOf("a")).toMatchObject([{ outcome: "heard", tail: "sleep 300 first", item: "0", model: "scripted" }]);
  expect(heard.slice(1).map(({ answer }) => answer)).toMatchObject(
    ["b", "c", "d"].map(() => ({ outcome: "heard", passSize: 3, language: "English" })),
  );
  await settled();
  expect(worker.state().segments).toBe(0);
  expect(await rig.pipeline.outcomes(nameOf("a"))).toEqual([]);
});

test("windows run inside a backlog, at once, and whole utterances before them", async () => {
  await rig.pipeline.publish(
    "batch",
    Array.from({ length: 4 }, (_, n) => `steps 300 10 ${n}`),
  );
  const worker = await start();
  await expect.poll(() => worker.state().loaded, { timeout: 20_000, interval: 5 }).toBe(true);
  for (let window = 0; window < 20; window += 1) {
    await say("a", `echo ${window}`, { window });
    await answered(window + 1);
  }
  await say("b", "steps 20 10 window");
  await rig.pipeline.publish("realtime", ["echo whole"], { first: 100 });
  await answered(21);
  const [first] = (await rig.pipeline.outcomes()).toSorted((a, b) => a.finishedAt - b.finishedAt);
  expect(first).toMatchObject({ text: "echo whole" });
  const [window] = answersOf("b");
  expect(window).toMatchObject({ outcome: "heard" });
  expect(first?.finishedAt).toBeLessThanOrEqual(window?.finishedAt ?? 0);
  expect((await rig.pipeline.done(5)).every(({ outcome }) => outcome === "ok")).toBe(true);
});

test("a window whose time is up is answered as late and not run, wherever it waits", async () => {
  await start();
  await say("a", "sleep 600 a");
  await answered(1);
  await say("b", "sleep 1500 b");
  // It runs by itself: c comes when it has left the stream.
  const state = () => rig.pipeline.bus.consumerState(streams.windows, durables.windows);
  await expect.poll(state, { timeout: 20_000, interval: 5 }).toMatchObject({ pending: 0, ackPending: 1 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await say("c", "echo c", { lifeMs: 200 });
  await say("d", "echo d", { lifeMs: -1 });
  await answered(4);
  for (const session of ["c", "d"])
    expect(answersOf(session)).toMatchObject([{ outcome: "late", item: "0", window: 0 }]);
  expect(heard.at(-1)?.session).toBe(nameOf("b"));
  await settled();
});

test("an utterance that kills engines is not run a third time, and its neighbours are heard", async () => {
  const worker = await start();
  await say("a", "echo a");
  await answered(1);
  const pids = new Set([worker.state().enginePid]);
  for (let window = 0; window < 4; window += 1) {
    const before = heard.length;
    await say("poison", "crash", { window });
    await say("neighbour", `echo ${window}`, { window });
    await answered(before + 2);
    await expect.poll(() => worker.state().loaded, { timeout: 20_000, interval: 5 }).toBe(true);
    pids.add(worker.state().enginePid);
  }
  expect(answersOf("poison")).toMatchObject(
    [0, 1, 2, 3].map((window) => ({ outcome: "failed", window, error: { code: "engine_failed" } })),
  );
  expect(pids.size).toBe(3);
  expect(answersOf("neighbour").slice(2)).toMatchObject([{ outcome: "heard" }, { outcome: "heard" }]);
  await settled();
  expect(await rig.pipeline.deadLetters()).toEqual([]);
});

test("one that is replaced while it runs is answered, and so is the one in its place", async () => {
  await start();
  await say("b", "echo warm");
  await answered(1);
  await settled();
  await say("a", "sleep 400 before");
  await expect
    .poll(() => rig.pipeline.bus.consumerState(streams.windows, durables.windows))
    .toMatchObject({ ackPending: 1 });
  await say("a", "echo after", { window: 1 });
  await answered(3);
  expect(answersOf("a")).toMatchObject([
    { window: 0, tail: "sleep 400 before" },
    { window: 1, tail: "echo after" },
  ]);
  await settled();
});

test("one that cannot be read, and those of a cancelled session, are forgotten; others go on", async () => {
  const { bus } = rig.pipeline;
  await start();
  await bus.publishOnce(subjects.liveWindow(nameOf("x")), "echo x");
  await openBatchNotebook(bus).cancel(nameOf("y"), Date.now());
  await say("y", "echo y");
  await say("a", "echo a");
  await answered(1);
  expect(heard.map(({ session }) => session)).toEqual([nameOf("a")]);
  await settled();
});

test("while another family has the accelerator a window is realtime work that waits for it, and is let in", async () => {
  const script = Array.from({ length: 200 }, (_, n) => `sleep 50 ${n}`);
  const { bus } = rig.pipeline;
  await rig.pipeline.publish("batch", script, { operation: "custom_voice" });
  const tts = await start({ family: "tts", operations: ["custom_voice"] });
  await rig.pipeline.done(1);
  const wanted: string[] = [];
  const following = new AbortController();
  const entries = bus.subscribe("$KV.gpu-lease.wanted.>", following.signal);
  void (async () => {
    for await (const { data } of entries) {
      const text = new TextDecoder().decode(data);
      if (text !== "") wanted.push(leaseEntries.wanted.schema.parse(JSON.parse(text))?.lane ?? "");
    }
  })();
  await bus.flush();
  await start();
  await say("a", "echo a");
  await answered(1);
  following.abort();
  expect(answersOf("a")).toMatchObject([{ outcome: "heard" }]);
  expect(wanted).toContain("realtime");
  // The backlog is not over: the session is open, and it waits.
  expect(tts.state().loaded).toBe(false);
  expect((await rig.pipeline.outcomes()).length).toBeLessThan(200);
});

test("a server that comes back without its memory is asked again: the next window is answered, though its number was another's", async () => {
  const { server } = rig.pipeline;
  await start();
  await say("a", "echo before");
  await answered(1);
  await server.restart();
  // Whoever starts it again makes the topology again.
  const topology = await server.connect(server.as().user);
  await ensureTopology(topology, { settings: server.settings });
  await topology.close();
  await say("b", "echo after");
  await answered(2);
  expect(answersOf("b")).toMatchObject([{ outcome: "heard", tail: "echo after" }]);
});
