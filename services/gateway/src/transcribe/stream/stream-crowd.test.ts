/** Hundreds of streams at once through one gateway, over real sockets. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ServiceProcess, startServiceProcess } from "@parlance/bus/testing";
import { streams, subjects } from "@parlance/contracts";
import { someOf, thorough } from "@parlance/contracts/testing";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { audioForm, eventually, startRig, startTestGateway, type TestRig } from "../../testing/test-gateway.ts";
import { readEvents, scriptText } from "./testing/scripted-text.ts";

/** Of which what each costs can be told from what they cost together. */
const STREAMS = 200;
/** Enough to be mixed up. */
const SOME_STREAMS = thorough ? STREAMS : 80;
const SEGMENTS = 6;
const MIB = 1_048_576;

let rig: TestRig;
beforeAll(async () => {
  rig = await startRig();
}, 60_000);
afterAll(() => rig.close());

const textOfStream = (id: number) =>
  Array.from({ length: SEGMENTS }, (_, n) => `stream ${id} segment ${n} says what only it says`);

/** Speaks for ingest and the workers: three parts a segment, the segments' results in another order than theirs. */
async function speak(id: number, batchId: string): Promise<void> {
  const says = scriptText(rig.pipeline.bus, batchId);
  const segments = textOfStream(id);
  for (let n = 0; n < SEGMENTS; n += 2) {
    for (const m of [n, n + 1]) {
      const words = segments[m]?.split(" ") ?? [];
      for (const count of [2, 4, 6]) await says.part(m, words.slice(0, count).join(" "));
    }
    for (const m of [n + 1, n]) await says.result(m, segments[m] ?? "", { last: m === SEGMENTS - 1 });
  }
}

interface Read {
  told: string;
  /** Undefined for a caller that left. */
  text?: string | undefined;
}

/** @param leaves after the first delta. */
async function stream(url: string, id: number, leaves: boolean): Promise<Read> {
  const form = audioForm("file", `wait\n${id}`, "a.wav", { stream: "true" });
  const body = { method: "POST", body: form };
  let told = "";
  for await (const { delta = "", text } of readEvents(await fetch(`${url}/v1/audio/transcriptions`, body))) {
    told += delta;
    if (text !== undefined) return { told, text };
    // Whoever reads no further closes the connection.
    if (leaves) return { told };
  }
  throw new Error(`stream ${id} ended early`);
}

interface Crowd {
  url: string;
  streams: number;
  /** Called when all streams are open. */
  opened?: () => void;
  leaves?: (id: number) => boolean;
}

/** Each stream is spoken for when all are open. Returns the batches. */
async function crowd({ url, streams: count, opened = () => undefined, leaves = () => false }: Crowd) {
  const { seen } = rig.pipeline;
  seen.length = 0;
  const reading = Array.from({ length: count }, (_, id) => stream(url, id, leaves(id)));
  await eventually(async () => (seen.length === count ? true : undefined));
  opened();
  const batches = new Map(
    seen.map(({ subject, data }) => [Number(data.toString().split("\n")[1]), subject.split(".")[3] ?? ""]),
  );
  await Promise.all([...batches].map(([id, batchId]) => speak(id, batchId)));
  for (const [id, { told, text }] of (await Promise.all(reading)).entries()) {
    const whole = textOfStream(id).join(" ");
    expect(whole.startsWith(told)).toBe(true);
    expect(told).not.toBe("");
    expect(text).toBe(leaves(id) ? undefined : whole);
    if (!leaves(id)) expect(told).toBe(whole);
  }
  return batches;
}

async function untilNobodyIsThere(url: string): Promise<void> {
  await eventually(async () => {
    const page = await (await fetch(`${url}/metrics`)).text();
    const none = /parlance_transcript_streams\S* 0$/m.test(page) && /parlance_waiting_requests\S* 0$/m.test(page);
    return none ? true : undefined;
  });
}

test("all are right, whoever leaves is cancelled, and nothing is left on the bus", async () => {
  const gateway = await startTestGateway(rig.server);
  const subscribing = vi.spyOn(gateway.bus.connection, "subscribe");
  const listening = vi.spyOn(gateway.bus, "onConnection");
  const subscriptions = () => subscribing.mock.results.flatMap(({ type, value }) => (type === "return" ? [value] : []));
  const open = () => subscriptions().filter((each) => !each.isClosed()).length;
  let most = 0;
  const leaves = (id: number) => id % 4 === 0;
  const batches = await crowd({ url: gateway.url, streams: SOME_STREAMS, leaves, opened: () => (most = open()) });
  expect(most).toBeLessThan(3 * SOME_STREAMS + 20);
  await untilNobodyIsThere(gateway.url);
  expect(open()).toBeLessThan(20);
  expect(listening.mock.results).toHaveLength(2 * SOME_STREAMS);
  for (const [id, batchId] of batches) {
    const done = await eventually(() => rig.pipeline.bus.last(streams.results, subjects.done(batchId, "0")));
    const { status } = JSON.parse(Buffer.from(done.data).toString());
    if (!leaves(id)) expect(status).toBe("done");
  }
  // Spies keep what they saw.
  vi.restoreAllMocks();
  const before = await heapInUse();
  await crowd({ url: gateway.url, streams: SOME_STREAMS, leaves });
  await untilNobodyIsThere(gateway.url);
  const kept = (await heapInUse()) - before;
  console.log(`${SOME_STREAMS} streams left ${Math.round(kept / 1_024)} KiB in the heap`);
  expect(kept).toBeLessThan(5 * MIB);
  await gateway.close();
}, 120_000);

/** After everything that can go is gone. */
async function heapInUse(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  rig.pipeline.seen.length = 0;
  // Timers and closed sockets hold what they know for a moment.
  for (let n = 0; n < 3; n += 1) {
    await pause(300);
    collect();
  }
  return process.memoryUsage().heapUsed;
}

test("each costs less than a mebibyte", async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  const url = `http://127.0.0.1:${port}`;
  const main = new URL("../../main.ts", import.meta.url);
  const gateway: ServiceProcess = startServiceProcess({
    ...{ server: rig.server, user: "gateway", main },
    settings: { PORT: String(port) },
  });
  onTestFinished(gateway.kill);
  await gateway.says("listening");
  const memory = (field: "VmRSS" | "VmHWM") =>
    Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${gateway.child.pid}/status`, "utf8"))?.[1]) *
    1_024;
  const before = memory("VmRSS");
  const times = someOf(["once", "twice"], 2);
  for (const _ of times) await crowd({ url, streams: STREAMS });
  const cost = memory("VmHWM") - before;
  console.log(
    `${STREAMS} streams at once, ${times.at(-1)}: at most ${Math.round(cost / MIB)} MiB more than before them`,
  );
  expect(cost).toBeLessThan(STREAMS * MIB);
}, 180_000);
