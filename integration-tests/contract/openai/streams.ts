/** stream=true: the text while it comes. */
import { encodeAudio } from "@parlance/audio/encode";
import { type ItemDone, SAMPLE_RATE } from "@parlance/contracts";
import { connect } from "nats";
import type { TranscriptionStreamEvent } from "openai/resources/audio/transcriptions";
import { describe, expect, it } from "vitest";
import { exactSamples, wavOf } from "../../src/clips.ts";
import { countErrors } from "../../src/word-error-rate.ts";
import { problemsOf } from "./answer-schemas.ts";
import { MODEL, type PackageName, type Room } from "./room.ts";

export function streams(name: PackageName, room: Room): void {
  const begin = async (bytes: Uint8Array, file = "speech.wav") =>
    await room.client(name).audio.transcriptions.create({
      model: MODEL,
      file: await room.package(name).toFile(bytes, file),
      stream: true,
    });
  const all = async (stream: AsyncIterable<TranscriptionStreamEvent>) => {
    const events: TranscriptionStreamEvent[] = [];
    for await (const event of stream) events.push(event);
    return events;
  };
  const deltasOf = (events: readonly TranscriptionStreamEvent[]) =>
    events.flatMap((event) => (event.type === "transcript.text.delta" ? [event] : []));

  function expectWhole(events: readonly TranscriptionStreamEvent[]): string {
    const deltas = deltasOf(events);
    const done = events.at(-1);
    expect(events.map(({ type }) => type)).toEqual([
      ...deltas.map(() => "transcript.text.delta"),
      "transcript.text.done",
    ]);
    for (const delta of deltas) expect(problemsOf("textDelta", delta)).toEqual([]);
    expect(problemsOf("textDone", done)).toEqual([]);
    const text = done?.type === "transcript.text.done" ? done.text : undefined;
    expect(deltas.map(({ delta }) => delta).join("")).toBe(text);
    return text ?? "";
  }

  describe("stream", () => {
    it("tells the text in deltas while it comes, then once as a whole", async () => {
      const { bytes, text: said } = room.minute;
      const events = await all(await begin(bytes));
      expect(deltasOf(events).length).toBeGreaterThan(0);
      const { errors, words } = countErrors(said, expectWhole(events));
      expect(errors / words).toBeLessThanOrEqual(0.3);
    });

    it("of one segment, by a model that tells nothing before it ends, is a delta and its end", async () => {
      const { bytes, name: file } = room.clip("lights.wav");
      const events = await all(await begin(bytes, file));
      expect(events).toHaveLength(2);
      const unstreamed = { model: MODEL, file: await room.package(name).toFile(bytes, file) };
      const { text } = await room.client(name).audio.transcriptions.create(unstreamed);
      expect(expectWhole(events)).toBe(text);
    });

    it.each<[string, string, (flac: Buffer) => Uint8Array]>([
      ["audio_corrupt", "is broken near its end", flipped],
      ["audio_truncated", "ends in its middle", (flac) => flac.subarray(0, flac.length * 0.9)],
    ])("throws %s behind the text that there was, of a file that %s", async (code, _what, spoil) => {
      const events: TranscriptionStreamEvent[] = [];
      const reading = (async () => {
        for await (const event of await begin(spoil(await minuteOfFlac()), "speech.flac")) events.push(event);
      })();
      const error = await reading.catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(room.package(name).APIError);
      expect(error).toMatchObject({ code, param: "file" });
      expect(deltasOf(events).length).toBeGreaterThan(0);
      expect(deltasOf(events)).toHaveLength(events.length);
    });

    it("is cancelled by a client that has read enough", async () => {
      const nats = await connect({ servers: room.pipeline.natsUrl });
      const ends: ItemDone[] = [];
      nats.subscribe("speech.done.>", { callback: (_, message) => void ends.push(message.json<ItemDone>()) });
      await nats.flush();
      // Ten minutes: at the first words most of it is not even decoded.
      const samples = await exactSamples(60);
      const events: TranscriptionStreamEvent[] = [];
      for await (const event of await begin(wavOf(Array.from({ length: 10 }, () => samples)))) {
        events.push(event);
        break;
      }
      expect(deltasOf(events)).toHaveLength(1);
      // The end of what went wrong in the test before may be heard here too.
      await expect
        .poll(() => ends.map(({ status, error }) => ({ status, code: error?.code })), { timeout: 15_000 })
        .toContainEqual({ status: "cancelled", code: "cancelled" });
      expect(ends.filter(({ status }) => status === "done")).toEqual([]);
      await nats.close();
      await expect.poll(() => room.metric("parlance_waiting_requests"), { timeout: 15_000 }).toBe(0);
      await expect.poll(() => room.metric("parlance_transcript_streams"), { timeout: 15_000 }).toBe(0);
    });
  });
}

async function minuteOfFlac(): Promise<Buffer> {
  const samples = await exactSamples(70);
  const encoder = await encodeAudio("flac", { sampleRate: SAMPLE_RATE, samples: samples.length });
  return Buffer.concat([encoder.push(samples), encoder.end()]);
}

/** One byte near the end is another than was written. */
function flipped(bytes: Buffer): Buffer {
  const at = Math.floor(bytes.length * 0.9);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
  return bytes;
}
