/** POST /v1/audio/speech while a sentence is spoken: parts of its sound as a worker tells them, and as they are missed. */
import { connectBus } from "@parlance/bus";
import { answerAsWorker } from "@parlance/bus/testing";
import { headerNames, subjects, writeHeaders } from "@parlance/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAKE_SOUND } from "../testing/fake-pipeline.ts";
import { eventually, startRig, startTestGateway, type TestGateway, type TestRig } from "../testing/test-gateway.ts";

let rig: TestRig;
let gateway: TestGateway;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  rig = await startRig();
  const bus = await connectBus({ name: "worker", ...rig.server.as() });
  await answerAsWorker(bus, { operations: ["custom_voice"] });
  stopWorker = bus.close;
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  await gateway.close();
  await stopWorker();
  await rig.close();
});

const { samples, sampleRate } = FAKE_SOUND;
const sound = Buffer.from(samples.buffer);

/** A text of which the pipeline does not say anything by itself: what is told of it is told here. */
async function ask() {
  const before = rig.pipeline.seen.length;
  const response = gateway.call("/v1/audio/speech", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: "wait", response_format: "wav" }),
  });
  const batch = await eventually(async () => rig.pipeline.seen[before]?.subject.split(".")[3]);
  const tell = (from: number, to: number, end: { samples?: number; last?: boolean } = {}) =>
    rig.pipeline.bus.publish(
      subjects.sound(batch, "0", 0),
      sound.subarray(2 * from, 2 * to),
      writeHeaders({ sampleRate, position: from, ...end }),
    );
  return { response, batch, tell };
}

test("asks for parts, and sound is read before its sentence has a result", async () => {
  const { response, batch, tell } = await ask();
  expect(JSON.parse(rig.pipeline.seen.at(-1)?.data.toString() ?? "")).toMatchObject({ items: [{ parts: true }] });
  tell(0, 1_000);
  const reader = (await response).body?.getReader();
  let bytes = Buffer.alloc(0);
  while (bytes.length < 44 + 2_000) bytes = Buffer.concat([bytes, (await reader?.read())?.value ?? Buffer.alloc(0)]);
  expect(bytes.subarray(44).equals(sound.subarray(0, 2_000))).toBe(true);
  tell(1_000, samples.length, { samples: samples.length, last: true });
  for (let more = await reader?.read(); more?.done === false; more = await reader?.read()) {
    bytes = Buffer.concat([bytes, more.value]);
  }
  expect(bytes.subarray(44).equals(sound)).toBe(true);
  await rig.pipeline.saySegment(batch, "0", 0, true);
});

test("a worker that dies midway: the sound goes on where it was, by the next run or by what is stored", async () => {
  for (const rerun of [true, false]) {
    const { response, batch, tell } = await ask();
    tell(0, 3_000);
    const answer = await response;
    if (rerun) {
      tell(0, 2_000);
      tell(2_000, 5_000);
    }
    await rig.pipeline.saySegment(batch, "0", 0, true);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.subarray(44).equals(sound)).toBe(true);
  }
});

test("a part that cannot be read is one that is missed: those behind it are heard", async () => {
  const { response, batch, tell } = await ask();
  rig.pipeline.bus.publish(subjects.sound(batch, "0", 0), "x", [[headerNames.position, "nowhere"]]);
  tell(0, samples.length, { samples: samples.length, last: true });
  const bytes = Buffer.from(await (await response).arrayBuffer());
  expect(bytes.subarray(44).equals(sound)).toBe(true);
  await rig.pipeline.saySegment(batch, "0", 0, true);
});

test("parts that are missed are no gap", async () => {
  const { response, batch, tell } = await ask();
  tell(0, 1_000);
  tell(2_000, samples.length, { samples: samples.length, last: true });
  const answer = await response;
  await rig.pipeline.saySegment(batch, "0", 0, true);
  expect(
    Buffer.from(await answer.arrayBuffer())
      .subarray(44)
      .equals(sound),
  ).toBe(true);
});
