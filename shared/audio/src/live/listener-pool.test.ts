import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LiveFormat, SpeechError } from "@parlance/contracts";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { samplesAsBytes } from "../samples/pcm.ts";
import { createResampler } from "../samples/resample.ts";
import { talk } from "../testing/speech.ts";
import { firstHeard, hearFrom, WINDOW } from "./hearing-blocks.ts";
import { createListenerPool } from "./listener-pool.ts";
import type { Heard, Listener, ListenerPool, ListenerPoolOptions } from "./listening.ts";
import { frameAfter } from "./live-format.ts";

const pcm: LiveFormat = { encoding: "pcm", rate: 16_000 };
/** Of the tests that hurt no process. */
const shared = createListenerPool();
afterAll(() => shared.close());
const pools: ListenerPool[] = [];
const pool = (options: ListenerPoolOptions = {}) => {
  const made = createListenerPool(options);
  pools.push(made);
  return made;
};
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};
let folder = "";
/** A process that does something else than listening. */
const program = (text: string) => {
  const path = join(folder, "program.mjs");
  writeFileSync(path, text);
  return path;
};
const READY = "process.stdout.write(Buffer.from([1,0,0,0,0]));";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parlance-listener-"));
});
afterEach(async () => {
  const pids = pools.flatMap(({ pids }) => pids);
  await Promise.all(pools.splice(0).map((made) => made.close()));
  expect(pids.filter(isAlive)).toEqual([]);
  rmSync(folder, { recursive: true });
});

async function hearAll(listener: Listener, bytes: Uint8Array, step = 640): Promise<Heard> {
  const answers: Promise<Heard>[] = [];
  for (let at = 0; at < bytes.length; at += step) answers.push(listener.push(bytes.subarray(at, at + step)));
  answers.push(listener.end());
  const heard = await Promise.all(answers);
  return {
    samples: Int16Array.from(heard.flatMap(({ samples }) => [...samples])),
    speech: Float32Array.from(heard.flatMap(({ speech }) => [...speech])),
  };
}

async function refusal(answer: Promise<unknown>) {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof SpeechError
    ? { code: error.code, retryable: error.retryable, message: error.message }
    : error;
}

const { samples, places } = talk(["flite-slt-1", "espeak-1"], 1_500);
const bytes = samplesAsBytes(samples);

describe("a pool of listeners", () => {
  test("hears where somebody speaks, and gives the samples back", async () => {
    const heard = await hearAll(await shared.open(pcm), bytes);
    expect(heard.samples).toEqual(samples);
    expect(heard.speech.length).toBe(Math.floor(samples.length / WINDOW));
    const share = (from: number, to: number) => {
      const own = heard.speech.subarray(Math.ceil(from / WINDOW), Math.floor(to / WINDOW));
      return own.filter((probability) => probability > 0.5).length / own.length;
    };
    for (const { start, end } of places) {
      expect(share(start, end)).toBeGreaterThan(0.7);
      expect(share(end + 8_000, end + 24_000)).toBe(0);
    }
  });

  test("hears many sessions in one process as it hears each alone, however they are cut, and one that is resent holds up nobody", async () => {
    const alone = await hearAll(await shared.open(pcm), bytes, 2_000);
    const listeners = await Promise.all(Array.from({ length: 20 }, () => shared.open(pcm)));
    expect(shared.pids.length).toBe(1);
    const resent = (await shared.open(pcm)).push(bytes.subarray(0, 190_000));
    let resentIsHeard = false;
    void resent.then(() => {
      resentIsHeard = true;
    });
    await listeners[0]?.push(bytes.subarray(0, 2 * WINDOW));
    expect(resentIsHeard).toBe(false);
    listeners[0]?.close();
    const heard = await Promise.all(
      listeners.slice(1).map((listener, at) => hearAll(listener, bytes.subarray(0, 160_000), 2 * (100 + 900 * at))),
    );
    for (const { speech } of heard) expect(speech).toEqual(alone.speech.subarray(0, speech.length));
  });

  test("a session that is opened anew from its position hears what was heard before", async () => {
    const rate = 44_100;
    const format = { encoding: "pcm", rate } as const;
    const resampler = createResampler(16_000, rate);
    const sound = [resampler.push(Float32Array.from(samples)), resampler.end()].flatMap((part) => [...part]);
    const sent = samplesAsBytes(Int16Array.from(sound, (sample) => Math.max(-32_768, Math.min(32_767, sample))));
    const one = pool();
    const whole = await hearAll(await one.open(format), sent);
    for (const at of [0, 100_000, samples.length - 30_000]) {
      const from = hearFrom(at, format);
      const listener = await one.open(format, from);
      expect(listener.start).toBe(firstHeard(from, format));
      expect(listener.start).toBeLessThanOrEqual(at);
      const heard = await hearAll(listener, frameAfter(sent, format, from), 1_000);
      expect(heard.samples).toEqual(whole.samples.slice(listener.start));
      expect(heard.speech).toEqual(whole.speech.slice(listener.start / WINDOW));
    }
  });

  test("refuses a frame that cannot be read, and the session goes on as if it had not come", async () => {
    const listener = await shared.open(pcm);
    const half = 128_000;
    const first = listener.push(bytes.subarray(0, half));
    expect(await refusal(listener.push(new Uint8Array(31)))).toMatchObject({
      code: "frame_invalid",
      retryable: false,
      message: expect.stringContaining("31 bytes"),
    });
    expect(await refusal(listener.silence(31 * 16_000))).toBeInstanceOf(RangeError);
    const rest = await hearAll(listener, bytes.subarray(half));
    const { samples: begun } = await first;
    expect(Int16Array.from([...begun, ...rest.samples])).toEqual(samples);
    const late = refusal(listener.silence(16_000));
    listener.close();
    expect(await late).toMatchObject({ code: "session_ended" });
    expect(await refusal(listener.push(bytes))).toMatchObject({ code: "session_ended" });
    const opus = await shared.open({ encoding: "opus", rate: 48_000 });
    expect(await refusal(opus.push(Uint8Array.of(3, 0, 1)))).toMatchObject({ code: "frame_invalid" });
  });

  test("a process that is killed rejects what it owes, and the next session has another one", async () => {
    const one = shared;
    const listeners = [await one.open(pcm), await one.open({ encoding: "mulaw", rate: 8_000 })];
    const { pids } = one;
    const owed = listeners.map((listener) => refusal(listener.push(bytes.subarray(0, 160_000))));
    for (const pid of pids) process.kill(pid, "SIGKILL");
    for (const answer of await Promise.all(owed)) {
      expect(answer).toMatchObject({ code: "internal", retryable: true, message: expect.stringContaining("SIGKILL") });
    }
    expect(await refusal(listeners[0]?.push(bytes) ?? Promise.resolve())).toMatchObject({ retryable: true });
    const again = await one.open(pcm);
    expect((await again.push(bytes.subarray(0, 64_000))).samples).toEqual(samples.subarray(0, 32_000));
    expect(one.pids).not.toEqual(pids);
  });

  test("a process that answers nothing is killed in time", async () => {
    const hanging = pool({ timeoutMs: 300, program: program(`${READY} for (;;);`) });
    expect(await refusal(hanging.open(pcm))).toMatchObject({
      code: "internal",
      retryable: true,
      message: expect.stringContaining("300 ms"),
    });
    expect(hanging.pids).toEqual([]);
  });

  test("a process that grows too large ends, and with it its sessions", async () => {
    const listener = await pool({ maxMemoryBytes: 1_000_000 }).open(pcm);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => refusal(listener.push(bytes.subarray(at * 640, at * 640 + 640)))),
    );
    expect(answers.at(-1)).toMatchObject({ retryable: true, message: expect.stringContaining("exit code 70") });
  });

  test("where the model or ONNX Runtime cannot be loaded nobody is heard, and the error says why", async () => {
    const unable = program(`
      const text = Buffer.from(JSON.stringify({ code: "internal", message: "no libonnxruntime.so.1" }));
      const head = Buffer.alloc(5); head[0] = 2; head.writeUInt32LE(text.length, 1);
      process.stdout.write(Buffer.concat([head, text]));`);
    expect(await refusal(pool({ program: unable }).open(pcm))).toMatchObject({
      code: "internal",
      retryable: false,
      message: "Live sessions cannot be heard here: no libonnxruntime.so.1",
    });
  });

  test("a process whose words cannot be read is ended, and its session told so, without waiting for its time", async () => {
    const garbled = program(`${READY}
      process.stdin.once("data", () => process.stdout.write(Buffer.from([2, 3, 0, 0, 0, 33, 33, 33])));
      setInterval(() => {}, 1_000);`);
    expect(await refusal(pool({ program: garbled, timeoutMs: 600_000 }).open(pcm))).toMatchObject({
      code: "internal",
      message: "What the process that hears live sessions says cannot be read.",
    });
  });

  test("has no process before the first session, as many as its sessions need, and none a while after the last", async () => {
    const small = pool({ sessions: 2, idleMs: 200 });
    expect(small.pids).toEqual([]);
    const listeners = await Promise.all([small.open(pcm), small.open(pcm), small.open(pcm)]);
    const { pids } = small;
    expect(pids.length).toBe(2);
    for (const listener of listeners) await listener.push(bytes.subarray(0, 640));
    for (const listener of listeners) listener.close();
    await until(() => small.pids.length === 0 && !pids.some(isAlive));
  });

  test("its process sees no secrets and cannot write or start programs", async () => {
    const spy = program(`
      import { spawnSync } from "node:child_process";
      import { writeFileSync } from "node:fs";
      const tried = (action) => { try { action(); return "done"; } catch (error) { return error.code; } };
      const message = JSON.stringify([Object.keys(process.env).filter((name) => name !== "LD_LIBRARY_PATH"),
        tried(() => writeFileSync("x", "")), tried(() => spawnSync("true"))]);
      const text = Buffer.from(JSON.stringify({ code: "internal", message }));
      const head = Buffer.alloc(5); head[0] = 2; head.writeUInt32LE(text.length, 1);
      process.stdout.write(Buffer.concat([head, text]));`);
    expect(await refusal(pool({ program: spy }).open(pcm))).toMatchObject({
      message: expect.stringContaining('[["PATH"],"ERR_ACCESS_DENIED","ERR_ACCESS_DENIED"]'),
    });
  });
});
