import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { opusOfHours } from "../testing/poison.ts";
import { fixture, inChunks, outcome, source } from "../testing/sources.ts";
import { voice } from "../testing/voice.ts";
import { buildWav, encodeSamples } from "../testing/wav.ts";
import { createDecoderPool, type DecoderPool, type DecoderPoolOptions } from "./decoder-pool.ts";

const limits = { processes: 1, maxBytes: 1e8, maxSeconds: 14_400, segmentSeconds: 25, timeoutMs: 20_000 };
const pools: DecoderPool[] = [];
const pool = (options: Partial<DecoderPoolOptions> = {}) => {
  const made = createDecoderPool({ ...limits, ...options });
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
/** A process that does something else than decoding. */
let folder = "";
const program = (text: string) => {
  const path = join(folder, "program.mjs");
  writeFileSync(path, text);
  return path;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parlance-decoder-"));
});
afterEach(async () => {
  const pids = pools.flatMap(({ pids }) => pids);
  await Promise.all(pools.splice(0).map((made) => made.close()));
  expect(pids.filter(isAlive)).toEqual([]);
  rmSync(folder, { recursive: true });
});

const threeSeconds = Buffer.from(encodeSamples(voice(16_000), 16));
const minutes = (count: number) => buildWav({ data: Buffer.concat(new Array<Buffer>(count * 20).fill(threeSeconds)) });

describe("the decoder pool", () => {
  test("decodes a short WAV without a process, and starts one for everything else", async () => {
    const decoder = pool();
    const wav = buildWav({ data: encodeSamples(voice(16_000, 1), 16) });
    expect(await outcome(decoder.decode({ source: source(wav) }))).toMatchObject({ samples: { length: 16_000 } });
    expect(decoder.pids).toEqual([]);
    expect(await outcome(decoder.decode({ source: source(fixture("voice.mp3")) }))).toMatchObject({
      samples: { length: 48_000 },
    });
    expect(decoder.pids.length).toBe(1);
  });

  test("of short WAVs that nobody waits for two are decoded at a time, and one that somebody waits for beside them", async () => {
    const decoder = pool();
    const long = buildWav({ data: Buffer.concat(new Array<Buffer>(9).fill(threeSeconds)) });
    const begun: number[] = [];
    const begin = async (number: number) => {
      const segments = decoder.decode({ source: source(long) });
      const first = await segments.next();
      expect(first.value).toMatchObject({ n: 0 });
      begun.push(number);
      return segments;
    };
    const items = [begin(1), begin(2), begin(3)];
    const [first, second] = await Promise.all(items.slice(0, 2));
    expect(await outcome(decoder.decode({ source: source(long), urgent: true }))).toMatchObject({
      samples: { length: 27 * 16_000 },
    });
    expect(begun).toEqual([1, 2]);
    await first?.return();
    const third = await items[2];
    expect(begun).toEqual([1, 2, 3]);
    await Promise.all([second?.return(), third?.return()]);
    expect(decoder.pids).toEqual([]);
  });

  test("short WAVs that may rest do before the next has its turn, and those that somebody waits for do not wait for them", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const decoder = pool();
      const megabyte = buildWav({ data: Buffer.concat(new Array<Buffer>(10).fill(threeSeconds)) });
      const asked = buildWav({ data: threeSeconds });
      const ask = () => outcome(decoder.decode({ source: source(asked), urgent: true, mayRest: () => true }));
      await Promise.all(
        [1, 2, 3].map(() => outcome(decoder.decode({ source: source(megabyte), mayRest: () => false }))),
      );
      const ended: number[] = [];
      const items = [1, 2, 3].map(async (number) => {
        await outcome(decoder.decode({ source: source(megabyte), mayRest: () => true }));
        ended.push(number);
      });
      await Promise.all(items.slice(0, 2));
      await ask();
      expect(ended).toEqual([1, 2]);
      vi.advanceTimersByTime(1_000);
      await items[2];
      expect(ended).toEqual([1, 2, 3]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("a long file that may rest is decoded fifty times as fast as it was spoken, and one that may not as fast as it goes", async () => {
    const rests: number[] = [];
    const decoder = pool({
      async pause(ms) {
        rests.push(ms);
      },
    });
    const long = minutes(2);
    const lengths: number[] = [];
    for await (const { length } of decoder.decode({ source: source(long), mayRest: () => true })) lengths.push(length);
    expect(lengths.length).toBeGreaterThan(3);
    expect(rests.map(Math.round)).toEqual(lengths.map((length) => Math.round(length / 16 / 50)));
    await outcome(decoder.decode({ source: source(long), mayRest: () => false }));
    await outcome(decoder.decode({ source: source(long), mayRest: () => true, urgent: true }));
    expect(rests).toHaveLength(lengths.length);
  });

  test("aborting ends a rest", async () => {
    const decoder = pool({ pause: (_, signal) => once(signal, "abort").then(() => signal.throwIfAborted()) });
    const controller = new AbortController();
    const long = { source: source(minutes(2)), mayRest: () => true, signal: controller.signal };
    const segments = decoder.decode(long);
    await segments.next();
    const next = outcome(segments);
    controller.abort(new Error("cancelled"));
    expect(await next).toMatchObject({ message: "cancelled" });
    await until(() => decoder.pids.length === 0);
  });

  test("what nobody waits for is decoded by a process of low priority, and what somebody waits for by another one", async () => {
    const decoder = pool();
    const decode = (urgent: boolean) => outcome(decoder.decode({ source: source(fixture("voice.mp3")), urgent }));
    await decode(false);
    const [low = 0] = decoder.pids;
    await decode(true);
    const [, ours = 0] = decoder.pids;
    expect([getPriority(low), getPriority(ours)]).toEqual([Math.min(19, getPriority() + 10), getPriority()]);
    // Each is kept for its own kind.
    for (const urgent of [true, false, true]) await decode(urgent);
    expect(decoder.pids).toEqual([low, ours]);
    // There are never more than places: one that has nothing to do makes room.
    await Promise.all([decode(true), decode(true)]);
    await until(() => decoder.pids.length === 2);
    expect(decoder.pids).toContain(ours);
    expect(decoder.pids).not.toContain(low);
  });

  test("gives a short recording at another rate in one piece, from a process as without one", async () => {
    const decoder = pool({ segmentSeconds: 1 });
    const reference = { maxSeconds: 15, segmentSeconds: 16, sampleRate: 24_000 };
    for (const bytes of [buildWav({ data: threeSeconds }), fixture("voice.mp3")]) {
      const pieces: [number, boolean][] = [];
      for await (const { samples, last } of decoder.decode({ source: source(bytes), limits: reference })) {
        pieces.push([samples.length, last]);
      }
      expect(pieces).toEqual([[3 * 24_000, true]]);
    }
  });

  test("whoever asks for segments soon has the first one of an Ogg file before its rest has come", async () => {
    const three = fixture("voice.opus");
    const first = Promise.withResolvers<void>();
    const audio = {
      bytes: 20 * three.length,
      async *open() {
        for (let count = 0; count < 20; count += 1) {
          if (count === 10) await first.promise;
          yield three;
        }
      },
    };
    const lengths: number[] = [];
    const growing = { segmentSeconds: 25, firstSegmentSeconds: 4 };
    for await (const { length } of pool().decode({ source: audio, soon: true, limits: growing })) {
      first.resolve();
      lengths.push(length);
    }
    expect(lengths[0]).toBeLessThanOrEqual(6 * 16_000);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(60 * 16_000);
  });

  test("lengths are asked for when the item's turn has come, and not again when its process is killed", async () => {
    const decoder = pool();
    const first = decoder.decode({ source: source(minutes(10)) });
    await first.next();
    let asked = 0;
    const lengths = async () => {
      asked += 1;
      return { segmentSeconds: 10 };
    };
    const second = decoder.decode({ source: source(minutes(10)), lengths });
    const begun = second.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(asked).toBe(0);
    await first.return();
    const segments = [(await begun).value];
    for (const pid of decoder.pids) process.kill(pid, "SIGKILL");
    for await (const segment of second) segments.push(segment);
    expect(asked).toBe(1);
    expect(segments.map((segment) => segment?.n)).toEqual(segments.map((_, n) => n));
    expect(segments.length).toBeGreaterThan(50);
    const short = decoder.decode({ source: source(buildWav({ data: threeSeconds })), lengths });
    expect(await outcome(short)).toMatchObject({ samples: { length: 48_000 } });
    expect(asked).toBe(2);
  });

  test("a request's own limit ends an audio of forty minutes at once", async () => {
    const decoder = pool();
    const bytes = minutes(40);
    let taken = 0;
    async function* counted() {
      for (; taken < bytes.length; taken += 65_536) yield bytes.subarray(taken, taken + 65_536);
    }
    const result = await outcome(
      decoder.decode({ source: { bytes: bytes.length, open: counted }, limits: { maxSeconds: 15 } }),
    );
    expect(result).toMatchObject({ code: "audio_too_long" });
    // The header tells: of the rest no more is taken than was under way.
    expect(taken).toBeLessThan(bytes.length / 20);
  });

  test("gives the same from a process as without one", async () => {
    const decoder = pool();
    const long = minutes(2);
    const result = await outcome(decoder.decode({ source: source(long) }));
    expect(decoder.pids.length).toBe(1);
    expect(result).toEqual({ samples: new Int16Array(new Uint8Array(long.subarray(44)).buffer) });
  });

  test("keeps one process for item after item, good and bad, and ends it when it has nothing to do", async () => {
    const decoder = pool({ idleMs: 300 });
    const good = fixture("voice.opus");
    await outcome(decoder.decode({ source: source(good) }));
    const pids = decoder.pids;
    for (const bytes of [fixture("silent-film.mp4"), good.subarray(0, 3_000), Buffer.alloc(200_000, 1), good]) {
      await outcome(decoder.decode({ source: source(bytes, 1_000) }));
      expect(decoder.pids).toEqual(pids);
    }
    await until(() => decoder.pids.length === 0);
    expect(pids.some(isAlive)).toBe(false);
    expect(await outcome(decoder.decode({ source: source(good) }))).toMatchObject({ samples: { length: 48_000 } });
  });

  test("a slow taker holds the decoder back: memory stays a window", async () => {
    const decoder = pool();
    let read = 0;
    const bytes = minutes(10);
    async function* counted() {
      for await (const chunk of inChunks(bytes, 16_384)) {
        read += chunk.length;
        yield chunk;
      }
    }
    const segments = decoder.decode({ source: { bytes: bytes.length, open: counted } });
    await segments.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(read).toBeLessThan(bytes.length * 0.6);
    await segments.return();
  });

  test("a process that crashes is that item's fault when it does so twice, and nobody else's", async () => {
    const crashing = pool({
      program: program(
        "process.stdout.write(Buffer.from([1,0,0,0,0])); process.stdin.once('data', () => process.abort())",
      ),
    });
    expect(await outcome(crashing.decode({ source: source(fixture("voice.mp3")) }))).toMatchObject({
      code: "audio_corrupt",
    });
    expect(crashing.pids).toEqual([]);
    expect(await outcome(pool().decode({ source: source(fixture("voice.mp3")) }))).toMatchObject({
      samples: { length: 48_000 },
    });
  });

  test("a process that somebody kills in the middle is no fault of the item: it is decoded again, without repeating itself", async () => {
    const decoder = pool();
    const bytes = minutes(4);
    const starts: number[] = [];
    for await (const segment of decoder.decode({ source: source(bytes) })) {
      if (starts.length === 1) for (const pid of decoder.pids) process.kill(pid, "SIGKILL");
      starts.push(segment.n);
    }
    expect(starts).toEqual(starts.map((_, index) => index));
    expect(starts.length).toBeGreaterThan(7);
  });

  test("a process that never answers is killed in time", async () => {
    const hanging = pool({
      timeoutMs: 300,
      program: program("process.stdout.write(Buffer.from([1,0,0,0,0])); for (;;);"),
    });
    const result = await outcome(hanging.decode({ source: source(fixture("voice.mp3")) }));
    expect(result).toMatchObject({ code: "audio_decode_timeout", message: expect.stringContaining("0.3 s") });
    expect(hanging.pids).toEqual([]);
  });

  test("a process that cannot start is our fault, not the item's", async () => {
    const broken = pool({ program: program("process.exit(3)") });
    expect(await outcome(broken.decode({ source: source(fixture("voice.mp3")) }))).toMatchObject({ code: "internal" });
  });

  test("hours in few bytes are refused by their pages, without decoding", async () => {
    const decoder = pool();
    const bytes = opusOfHours(100);
    expect(await outcome(decoder.decode({ source: source(bytes) }))).toMatchObject({ code: "audio_too_long" });
    expect(decoder.pids).toEqual([]);
  });

  test("too many bytes are refused, declared or not", async () => {
    const decoder = pool({ maxBytes: 10_000 });
    const mp3 = fixture("voice.mp3");
    expect(await outcome(decoder.decode({ source: source(mp3) }))).toMatchObject({ code: "audio_too_large" });
    const lying = { bytes: 9_000, open: () => inChunks(mp3, 5_000) };
    expect(await outcome(decoder.decode({ source: lying }))).toMatchObject({ code: "audio_too_large" });
  });

  test("urgent work does not wait behind a long file", async () => {
    const decoder = pool();
    const long = decoder.decode({ source: source(minutes(10)) });
    await long.next();
    const waiting = outcome(decoder.decode({ source: source(fixture("voice.opus")) }));
    const urgent = outcome(decoder.decode({ source: source(fixture("voice.mp3")), urgent: true }));
    expect(await Promise.race([waiting.then(() => "waiting"), urgent.then(() => "urgent")])).toBe("urgent");
    await long.return();
    expect(await waiting).toMatchObject({ samples: { length: 48_000 } });
  });

  test("aborting ends the item and its process", async () => {
    const decoder = pool();
    const controller = new AbortController();
    const segments = decoder.decode({ source: source(minutes(10)), signal: controller.signal });
    await segments.next();
    controller.abort(new Error("cancelled"));
    await expect(outcome(segments)).resolves.toMatchObject({ message: "cancelled" });
    await until(() => decoder.pids.length === 0);
  });

  test("an error of the source is the source's, not the audio's", async () => {
    async function* failing() {
      yield fixture("voice.mp3").subarray(0, 5_000);
      throw new Error("the bucket is away");
    }
    const result = await outcome(pool().decode({ source: { bytes: 24_494, open: failing } }));
    expect(result).toEqual({ code: undefined, message: "the bucket is away" });
  });

  test("the process sees no secrets and cannot write, connect out through programs, or start any", async () => {
    const spy = program(`
      import { spawnSync } from "node:child_process";
      import { writeFileSync } from "node:fs";
      const tried = (action) => { try { action(); return "done"; } catch (error) { return error.code; } };
      const answer = JSON.stringify({ code: "audio_corrupt", message: JSON.stringify([
        Object.keys(process.env), tried(() => writeFileSync("x", "")), tried(() => spawnSync("true"))]) });
      const frame = Buffer.alloc(5 + answer.length); frame[0] = 7; frame.writeUInt32LE(answer.length, 1); frame.write(answer, 5);
      process.stdin.resume(); process.stdout.write(Buffer.from([1,0,0,0,0])); process.stdout.write(frame);`);
    const result = await outcome(pool({ program: spy }).decode({ source: source(fixture("voice.mp3")) }));
    expect("message" in result && JSON.parse(result.message)).toEqual([
      ["PATH"],
      "ERR_ACCESS_DENIED",
      "ERR_ACCESS_DENIED",
    ]);
  });
});
