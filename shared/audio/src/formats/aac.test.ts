import { BufferSource, EncodedPacketSink, Input, MP4 } from "mediabunny";
import { afterEach, expect, test } from "vitest";
import { correlate, fixture } from "../testing/sources.ts";
import { voice } from "../testing/voice.ts";
import { decodeAac, toAdts } from "./aac.ts";
import { createByteReader } from "./byte-reader.ts";
import { decodeByFfmpeg } from "./ffmpeg.ts";

const path = process.env.PATH;
afterEach(() => {
  process.env.PATH = path;
});

/** The AAC frames of an M4A, each with the header that makes it independent of the container. */
async function* adtsOfM4a(): AsyncGenerator<Uint8Array, void> {
  const input = new Input({ formats: [MP4], source: new BufferSource(fixture("voice.m4a")) });
  const track = await input.getPrimaryAudioTrack();
  const description = (await track?.getDecoderConfig())?.description;
  if (track === null || !(description instanceof Uint8Array)) throw new Error("the fixture has no AAC track");
  async function* frames(sink: EncodedPacketSink) {
    for await (const { data } of sink.packets()) yield data;
  }
  yield* toAdts(frames(new EncodedPacketSink(track)), description);
}

test("frames taken out of an M4A are an ADTS stream that decodes by itself, as ffmpeg gets it", async () => {
  const samples: number[] = [];
  for await (const pcm of decodeAac(createByteReader(adtsOfM4a(), { maxBytes: 1e6 }), { declare: () => {} })) {
    expect(pcm.sampleRate).toBe(44_100);
    samples.push(...pcm.samples);
  }
  expect(correlate(samples, voice(44_100), 100).correlation).toBeGreaterThan(0.99);
});

test("without the package and without ffmpeg the error says what to install", async () => {
  process.env.PATH = "/nonexistent";
  await expect(decodeByFfmpeg(adtsOfM4a()).next()).rejects.toMatchObject({
    code: "audio_unsupported",
    message: expect.stringContaining("ffmpeg"),
  });
});
