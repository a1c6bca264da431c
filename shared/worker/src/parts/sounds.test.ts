import { handClock } from "@parlance/bus/testing";
import { headerNames, MAX_SOUND_BYTES } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Job } from "../lanes/job.ts";
import { createSounds } from "./sounds.ts";

interface Sent {
  item: string;
  position: number;
  bytes: Uint8Array;
  /** Of the whole, on the last part. */
  samples: number | undefined;
}

/** A server that takes what it is sent when it is told to, and a connection that may be away. */
function rig() {
  const clock = handClock();
  const sent: Sent[] = [];
  let flushes: (() => void)[] = [];
  const bus = {
    connected: true,
    publish(subject: string, payload: Uint8Array | string = "", headers: readonly (readonly [string, string])[] = []) {
      const said = new Map(headers.map(([name, value]) => [name, value]));
      const samples = said.get(headerNames.samples);
      sent.push({
        item: subject.split(".")[3] ?? "",
        position: Number(said.get(headerNames.position)),
        bytes: Uint8Array.from(Buffer.from(payload)),
        samples: samples === undefined ? undefined : Number(samples),
      });
    },
    flush: () => new Promise<void>((resolve) => flushes.push(resolve)),
  };
  const log = createLog("test", "silent");
  const sounds = createSounds({ bus, soundOf: () => ({ sampleRate: 16_000 }), clock, log });
  return {
    ...{ clock, sent, bus, sounds },
    async answer() {
      for (const done of flushes.splice(0)) done();
      // What follows a flush follows in turns of its own.
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
      clock.pass(20);
    },
    lose() {
      flushes = [];
    },
  };
}

function job(item: string, readsParts = true): Job {
  const headers = { last: true, pauseMs: 0 };
  return { address: { batchId: "b", itemId: item, n: 0 }, headers, engineJob: { readsParts } } as unknown as Job;
}

const sound = (bytes: number, from = 0) => Uint8Array.from({ length: bytes }, (_, at) => (from + at) % 251);
const part = (payload: Uint8Array) => ({ meta: { sampleRate: 16_000 }, payload });
const ended = (payload: Uint8Array) => ({ ok: true, ...part(payload) }) as const;

test("parts leave as they come, each with its place, and the end says how long the segment is", async () => {
  const { clock, sent, sounds, answer } = rig();
  const row = job("0");
  sounds.tell(row, part(sound(4)), "m");
  clock.pass(0);
  expect(sent).toEqual([{ item: "0", position: 0, bytes: sound(4), samples: undefined }]);
  sounds.tell(row, part(sound(6, 4)), "m");
  sounds.over(row, ended(sound(14)));
  await answer();
  expect(sent.slice(1)).toEqual([{ item: "0", position: 2, bytes: sound(10, 4), samples: 7 }]);
});

test("a model that tells no parts is told whole, in pieces that a message holds; a job that asked for none is not told", () => {
  const { clock, sent, sounds } = rig();
  const whole = sound(MAX_SOUND_BYTES + 10);
  sounds.over(job("0"), ended(whole));
  sounds.over(job("silent", false), ended(whole));
  clock.pass(0);
  expect(sent.map(({ item, position, samples }) => ({ item, position, samples }))).toEqual([
    { item: "0", position: 0, samples: undefined },
    { item: "0", position: MAX_SOUND_BYTES / 2, samples: whole.length / 2 },
  ]);
  expect(Buffer.concat(sent.map(({ bytes }) => bytes)).equals(whole)).toBe(true);
});

test("of a row that failed, was stopped or died nothing more is told, and its next run begins anew", async () => {
  const { clock, sent, sounds, answer } = rig();
  const row = job("0");
  sounds.tell(row, part(sound(4)), "m");
  clock.pass(0);
  sounds.tell(row, part(sound(4, 4)), "m");
  sounds.over(row);
  await answer();
  expect(sent).toHaveLength(1);
  sounds.tell(row, part(sound(2)), "m");
  await answer();
  expect(sent[1]).toMatchObject({ position: 0 });
});

test("while the server takes nothing what waits of a row is bounded, and its end tells all that was left out", async () => {
  const { clock, sent, sounds, answer } = rig();
  const row = job("0");
  const piece = 64 * 1_024;
  const whole = sound(64 * piece);
  for (let at = 0; at < whole.length; at += piece) {
    sounds.tell(row, part(whole.subarray(at, at + piece)), "m");
    clock.pass(10);
  }
  expect(sent).toHaveLength(1);
  await answer();
  // What waited, and nothing of what came after it.
  expect(sent).toHaveLength(1 + 16);
  sounds.over(row, ended(whole));
  await answer();
  expect(Buffer.concat(sent.map(({ bytes }) => bytes)).equals(whole)).toBe(true);
});

const events = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("tell" as const), row: fc.nat(2), samples: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), row: fc.nat(2), samples: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), row: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.constant({ do: "answer" as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("connection" as const), there: fc.boolean() }) },
  ),
  { maxLength: 80 },
);

test("whatever happens: the parts of each run follow one another without a gap, and one that ended is told to its end unless NATS was away", async () => {
  await fc.assert(
    fc.asyncProperty(events, async (happenings) => {
      const { sent, bus, sounds, answer } = rig();
      let runs = 0;
      const begin = () => ({ job: job(`${runs++}`), bytes: 0 });
      const rows = [begin(), begin(), begin()];
      const wholes = new Map<string, number>();
      let away = false;
      for (const event of happenings) {
        const row = "row" in event ? rows[event.row] : undefined;
        if (event.do === "tell" && row !== undefined) {
          sounds.tell(row.job, part(sound(2 * event.samples, row.bytes)), "m");
          row.bytes += 2 * event.samples;
        } else if (event.do === "end" && row !== undefined) {
          row.bytes += 2 * event.samples;
          wholes.set(row.job.address.itemId, row.bytes);
          sounds.over(row.job, ended(sound(row.bytes)));
          Object.assign(row, begin());
        } else if (event.do === "die" && row !== undefined) {
          sounds.over(row.job);
          Object.assign(row, begin());
        } else if (event.do === "answer") await answer();
        else if (event.do === "connection") {
          bus.connected = event.there;
          away ||= !event.there;
        }
      }
      bus.connected = true;
      await answer();
      await answer();
      const told = Map.groupBy(sent, ({ item }) => item);
      for (const [item, parts] of told) {
        let position = 0;
        for (const each of parts) {
          expect(each.position).toBe(position);
          position += each.bytes.length / 2;
        }
        const bytes = Buffer.concat(parts.map((each) => each.bytes));
        expect(bytes.equals(sound(bytes.length))).toBe(true);
        const last = parts.at(-1)?.samples;
        if (last !== undefined) expect([last, position]).toEqual([position, (wholes.get(item) ?? -1) / 2]);
      }
      if (!away) for (const [item] of wholes) expect(told.get(item)?.at(-1)?.samples, item).toBeDefined();
    }),
    { numRuns: 300 },
  );
});

test("after it was closed nothing is told", () => {
  const { clock, sent, sounds } = rig();
  sounds.tell(job("0"), part(sound(2)), "m");
  sounds.close();
  sounds.tell(job("1"), part(sound(2)), "m");
  clock.pass(1_000);
  expect(sent).toEqual([]);
});
