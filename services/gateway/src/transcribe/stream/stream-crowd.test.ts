/** Two hundred streams at once through one gateway: over real sockets, in a process of its own. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { type ServiceProcess, startServiceProcess } from "@parlance/bus/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audioForm, eventually, startRig, type TestRig } from "../../testing/test-gateway.ts";
import { readEvents, scriptText } from "./testing/scripted-text.ts";

const STREAMS = 200;
const SEGMENTS = 6;
const MIB = 1_048_576;

let rig: TestRig;
let gateway: ServiceProcess;
let url: string;
beforeAll(async () => {
  rig = await startRig();
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  url = `http://127.0.0.1:${port}`;
  const main = new URL("../../main.ts", import.meta.url);
  gateway = startServiceProcess({ server: rig.server, user: "gateway", main, settings: { PORT: String(port) } });
  await gateway.says("listening");
}, 60_000);
afterAll(async () => {
  await gateway.kill();
  await rig.close();
});

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

async function stream(id: number): Promise<{ told: string; text: string; deltas: number }> {
  const form = audioForm("file", `wait\n${id}`, "a.wav", { stream: "true" });
  const response = await fetch(`${url}/v1/audio/transcriptions`, { method: "POST", body: form });
  let told = "";
  let deltas = 0;
  for await (const { delta, text } of readEvents(response)) {
    if (text !== undefined) return { told, text, deltas };
    told += delta ?? "";
    deltas += 1;
  }
  throw new Error(`stream ${id} ended early`);
}

/** All streams of a round, each spoken for once its batch is there. */
async function round(): Promise<void> {
  rig.pipeline.seen.length = 0;
  const streams = Array.from({ length: STREAMS }, (_, id) => stream(id));
  await eventually(async () => (rig.pipeline.seen.length === STREAMS ? true : undefined));
  peak = Math.max(peak, memory());
  await Promise.all(
    rig.pipeline.seen.map(({ subject, data }) => {
      const id = Number(data.toString().split("\n")[1]);
      return speak(id, subject.split(".")[3] ?? "");
    }),
  );
  const ended = await Promise.all(streams);
  for (const [id, { told, text, deltas }] of ended.entries()) {
    expect(text).toBe(textOfStream(id).join(" "));
    expect(told).toBe(text);
    expect(deltas).toBeGreaterThan(1);
  }
  peak = Math.max(peak, memory());
}

let peak = 0;
const memory = () =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, "utf8"))?.[1]) * 1_024;

test("all of them are right, cost little, and leave nothing", async () => {
  await round();
  const before = memory();
  peak = before;
  for (let n = 0; n < 3; n += 1) await round();
  await eventually(async () => {
    const page = await (await fetch(`${url}/metrics`)).text();
    return /parlance_transcript_streams\S* 0$/m.test(page) && /parlance_waiting_requests\S* 0$/m.test(page)
      ? true
      : undefined;
  });
  console.log(`${STREAMS} streams: ${Math.round((peak - before) / MIB)} MiB more than before them`);
  expect(peak - before).toBeLessThan(100 * MIB);
}, 120_000);
