/** Parts as they leave a worker: a real nats-server, and the scripted engine, which is a real process. */
import { setTimeout as pause } from "node:timers/promises";
import { openBatchNotebook } from "@parlance/bus";
import { durables, headerNames, partSchema, streams } from "@parlance/contracts";
import { afterEach, expect, test } from "vitest";
import { livingEngines } from "../testing/pipeline.ts";
import { useWorkers } from "../testing/workers.ts";

const rig = useWorkers();
const { start } = rig;

interface Heard {
  item: string;
  text: string;
}

let listening = new AbortController();
afterEach(() => listening.abort());

/** What is told of a batch from now on: parts and results, in the order of their coming. */
async function listen(batch = rig.pipeline.batch): Promise<{ parts: Heard[]; results: string[]; order: string[] }> {
  listening = new AbortController();
  const { bus } = rig.pipeline;
  const heard = { parts: [] as Heard[], results: [] as string[], order: [] as string[] };
  // One subscription: those of two are read in no order.
  const messages = bus.subscribe(`speech.*.${batch}.>`, listening.signal);
  void (async () => {
    for await (const { subject, data } of messages) {
      const [, kind, , item = ""] = subject.split(".");
      if (kind === "part") {
        const { text } = partSchema.parse(JSON.parse(new TextDecoder().decode(data)));
        heard.parts.push({ item, text });
        heard.order.push(`${item}: ${text}`);
      } else if (kind === "result") {
        heard.results.push(item);
        heard.order.push(`${item} ended`);
      }
    }
  })();
  await bus.flush();
  return heard;
}

const asked = (parts: boolean, more: [string, string][] = []): { headers: [string, string][] } => ({
  headers: [
    [headerNames.submittedAt, String(Date.now())],
    [headerNames.last, "true"],
    ...(parts ? ([[headerNames.parts, "true"]] as [string, string][]) : []),
    ...more,
  ],
});

const sentence = "the train leaves at seven in the morning and comes back at nine in the evening";

test("a job that asked for them tells its parts before its result, each beginning with the one before; one that did not tells none", async () => {
  await start();
  const heard = await listen();
  await rig.pipeline.publish("interactive", [`words 60 ${sentence}`], asked(true));
  await rig.pipeline.publish("interactive", [`words 60 ${sentence}`], { ...asked(false), first: 1 });
  const found = await rig.pipeline.done(2);
  await expect.poll(() => heard.results, { timeout: 20_000 }).toHaveLength(2);
  expect(found.map(({ text }) => text)).toEqual([sentence, sentence]);
  const texts = heard.parts.map(({ text }) => text);
  expect(new Set(heard.parts.map(({ item }) => item))).toEqual(new Set(["0"]));
  expect(texts.length).toBeGreaterThan(3);
  for (const [n, text] of [...texts, sentence].entries()) expect(text.startsWith(texts[n - 1] ?? "")).toBe(true);
  const ofFirst = heard.order.filter((line) => line.startsWith("0"));
  expect(ofFirst.at(-1)).toBe("0 ended");
});

test("of a row that says something a hundred times a second some ten parts a second leave", async () => {
  await start({ settings: { maxBatchSize: 16 } });
  const heard = await listen();
  await rig.pipeline.publish(
    "interactive",
    Array.from({ length: 16 }, (_, n) => `steps 150 10 ${n}`),
    {
      ...asked(true),
    },
  );
  const found = await rig.pipeline.done(16);
  expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
  for (const { item, startedAt = 0, finishedAt } of found) {
    const count = heard.parts.filter((part) => part.item === item).length;
    expect(count).toBeGreaterThan(2);
    expect(count).toBeLessThanOrEqual((finishedAt - startedAt) / 100 + 1);
  }
});

test("a row whose batch was cancelled tells nothing more, and has no result", async () => {
  await start();
  const heard = await listen();
  const { batch, bus } = rig.pipeline;
  await rig.pipeline.publish("interactive", ["steps 1000000 20 a"], asked(true));
  await expect.poll(() => heard.parts.length, { timeout: 20_000 }).toBeGreaterThan(0);
  await openBatchNotebook(bus).cancel(batch, Date.now());
  const state = () => bus.consumerState(streams.jobs, durables.worker("transcribe", "interactive"));
  await expect.poll(state, { timeout: 20_000 }).toMatchObject({ pending: 0, ackPending: 0 });
  // What had left by then is here.
  await bus.flush();
  const { length } = heard.parts;
  await pause(500);
  expect(heard.parts).toHaveLength(length);
  expect(heard.results).toEqual([]);
});

test("a row whose engine died is told from its beginning; who keeps to what begins with what he has is told a beginning of the result", async () => {
  await start();
  const heard = await listen();
  await rig.pipeline.publish("interactive", [`words 100 ${sentence}`], asked(true));
  await expect.poll(() => heard.parts.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(4);
  for (const pid of livingEngines()) process.kill(pid, "SIGKILL");
  const before = heard.parts.length;
  const [found] = await rig.pipeline.done(1, 50_000);
  expect(found?.text).toBe(sentence);
  const texts = heard.parts.map(({ text }) => text);
  expect(texts[before]?.length).toBeLessThan(texts[before - 1]?.length ?? 0);
  let read = "";
  for (const text of texts) if (text.startsWith(read)) read = text;
  expect(sentence.startsWith(read)).toBe(true);
  expect(read.length).toBeGreaterThan(sentence.length / 2);
});

test("results come as ever while the server stands still, and parts that it missed are not told late", async () => {
  await start();
  await rig.pipeline.publish("interactive", ["echo warm"], asked(true));
  await rig.pipeline.done(1);
  rig.pipeline.nextBatch();
  const { batch } = rig.pipeline;
  const heard = await listen(batch);
  await rig.pipeline.publish("interactive", ["steps 100 20 a"], asked(true));
  await expect.poll(() => heard.parts.length, { timeout: 20_000 }).toBeGreaterThan(0);
  const { pid } = rig.pipeline.server;
  process.kill(pid, "SIGSTOP");
  await pause(700);
  process.kill(pid, "SIGCONT");
  const [found] = await rig.pipeline.done(1);
  expect(found?.text).toBe("steps 100 20 a");
  const { startedAt = 0, finishedAt } = found ?? { finishedAt: 0 };
  // Of the time without a server two leave at most: what was on its way, and the newest.
  expect(heard.parts.length).toBeLessThanOrEqual((finishedAt - startedAt - 700) / 100 + 3);
  expect(heard.order.at(-1)).toBe("0 ended");
});
