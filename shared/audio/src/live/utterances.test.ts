/** The whole way: frames through a listening process and the model that ships, to utterances. */
import type { LiveFormat } from "@parlance/contracts";
import { someOf, thorough } from "@parlance/contracts/testing";
import { createEncoder } from "libopus-wasm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { samplesAsBytes } from "../samples/pcm.ts";
import { music, noise, sentences, talk, tone } from "../testing/speech.ts";
import { createEndpointer } from "./endpointer.ts";
import { hearFrom } from "./hearing-blocks.ts";
import { createListenerPool } from "./listener-pool.ts";
import type { ListenerPool } from "./listening.ts";
import { frameAfter } from "./live-format.ts";
import type { EndpointEvent, EndpointerOptions, RestPoint } from "./utterances.ts";

const pcm: LiveFormat = { encoding: "pcm", rate: 16_000 };
const opus: LiveFormat = { encoding: "opus", rate: 48_000 };
let pool: ListenerPool;
beforeAll(() => {
  pool = createListenerPool();
});
afterAll(() => pool.close());

interface Cut {
  events: EndpointEvent[];
  rests: RestPoint[];
}

/** @param frames those from `from` on. */
async function cutFrames(
  frames: readonly Uint8Array[],
  { format, from, rest, ...options }: EndpointerOptions & { format: LiveFormat; from: number; rest?: RestPoint },
): Promise<Cut> {
  const listener = await pool.open(format, from);
  const endpointer = createEndpointer(options, { rest, start: listener.start });
  const answers = frames.map((frame) => listener.push(frame));
  const cut: Cut = { events: [], rests: [] };
  for (const answer of answers) {
    cut.events.push(...endpointer.push(await answer));
    cut.rests.push(endpointer.rest);
  }
  cut.events.push(...endpointer.close());
  listener.close();
  return cut;
}

async function cutAll(
  samples: Int16Array,
  { step = 1_024, ...options }: EndpointerOptions & { step?: number; rest?: RestPoint } = {},
): Promise<Cut> {
  const from = hearFrom(options.rest?.at ?? 0, pcm);
  const bytes = frameAfter(samplesAsBytes(samples), pcm, from);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 2 * step) frames.push(bytes.subarray(at, at + 2 * step));
  return await cutFrames(frames, { ...options, format: pcm, from });
}

const stops = ({ events }: Cut) => events.flatMap((event) => (event.type === "stopped" ? event : []));

describe("utterances of a session", () => {
  test("hold each sentence whole, begin shortly before it and end half a second after it", async () => {
    const { samples, places } = talk(sentences, 1_200);
    const utterances = stops(await cutAll(samples));
    expect(utterances.length).toBe(places.length);
    for (const [at, { start, end, cause, samples: own }] of utterances.entries()) {
      const place = places[at] ?? { start: 0, end: 0 };
      expect(cause).toBe("silence");
      expect(own).toEqual(samples.slice(start, end));
      expect(start).toBeGreaterThan(place.start - 9_600);
      // The recordings have up to 100 ms of silence at either end themselves.
      expect(start).toBeLessThan(place.start + 1_600);
      expect(end).toBeGreaterThan(place.end);
      expect(end).toBeLessThan(place.end + 8_000 + 4_800);
    }
  });

  test("are the same at any speed, in frames of any size, and for who takes the session over at any rest point", async () => {
    const { samples } = talk(["flite-slt-1", "espeak-2", "flite-rms-1", "festival-kal-1", "espeak-3"], 900);
    const whole = await cutAll(samples, { segmentSeconds: 3 });
    const ends = whole.events.filter(({ type }) => type !== "started");
    expect(ends.length).toBeGreaterThan(6);
    for (const step of [160, 16_000])
      expect((await cutAll(samples, { segmentSeconds: 3, step })).events).toEqual(whole.events);
    const rests = whole.rests.filter(({ at }, index) => at > 0 && index % 40 === 0);
    expect(rests.some(({ carriesOn }) => carriesOn)).toBe(true);
    for (const rest of someOf(rests, 2)) {
      const again = await cutAll(samples, { segmentSeconds: 3, rest });
      const later = ends.filter(({ start }) => start >= rest.at);
      expect(again.events.filter(({ type }) => type !== "started")).toEqual(later);
    }
  });

  test("as Opus are those of the same talk, also for who takes the session over", async () => {
    const { samples, places } = talk(["flite-slt-1", "espeak-2", "flite-rms-1"], 1_200);
    const encoder = await createEncoder({ channels: 1, sampleRate: 16_000 });
    const packets: Uint8Array[] = [];
    for (let at = 0; at + 320 <= samples.length; at += 320) packets.push(encoder.encode(samples.slice(at, at + 320)));
    encoder.free();
    const whole = await cutFrames(packets, { format: opus, from: 0 });
    const ends = stops(whole);
    expect(ends.length).toBe(places.length);
    for (const [at, { start, end }] of ends.entries()) {
      expect(start).toBeLessThan(places[at]?.start ?? 0);
      expect(end).toBeGreaterThan(places[at]?.end ?? 0);
    }
    const rest = whole.rests.findLast((one) => one.at < (ends[2]?.start ?? 0)) ?? { at: 0, carriesOn: false };
    // Packets are whole: he begins with the one in which hearing begins.
    const first = Math.floor(hearFrom(rest.at, opus) / 960);
    expect(first).toBeGreaterThan(100);
    const again = await cutFrames(packets.slice(first), { format: opus, from: first * 960, rest });
    expect(stops(again)).toEqual(ends.slice(2));
  });

  test("of a minute of talk without a pause are within the longest length, and hold every sample once", async () => {
    const { samples } = talk([...sentences, ...sentences, ...sentences], 0);
    const long = samples.subarray(0, 60 * 16_000);
    const utterances = stops(await cutAll(long));
    expect(utterances.slice(0, -1).every(({ cause }) => cause === "length")).toBe(true);
    let next = utterances[0]?.start ?? 0;
    expect(next).toBeLessThan(8_000);
    for (const { start, end } of utterances) {
      expect(start).toBe(next);
      expect(end - start).toBeLessThanOrEqual(25 * 16_000);
      next = end;
    }
    expect(next).toBe(long.length);
  });

  test("there are none in minutes of silence, noise, tones and music", async () => {
    const length = (thorough ? 50 : 20) * 16_000;
    const sounds = {
      silence: new Int16Array(length),
      "a quiet room": noise(length, 30),
      "loud noise": noise(length, 6_000),
      "a tone": tone(length, 440),
      "a hum": tone(length, 50, 0.5),
      music: music(length),
    };
    const cuts = Object.entries(sounds).map(async ([name, sound]) => ({
      name,
      ...(await cutAll(sound, { step: 64_000 })),
    }));
    for (const { name, events, rests } of await Promise.all(cuts)) {
      expect(
        events.filter(({ type }) => type === "stopped"),
        name,
      ).toEqual([]);
      expect(rests.at(-1)?.at, name).toBeGreaterThan(length - 6_000);
    }
  });
});
