/** Audio that the demo, the chaos suite and the benchmarks speak to the pipeline. */
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { createByteReader, decodeSegments, encodeWav } from "@parlance/audio";
import { SAMPLE_RATE } from "@parlance/contracts";

export interface Clip {
  name: string;
  type: string;
  bytes: Uint8Array;
  /** What is said in it. */
  text: string;
}

const folder = new URL("../demo/audio/", import.meta.url);

/** The committed sentences, one audio format each. */
export async function demoClips(): Promise<Clip[]> {
  const sentences = JSON.parse(await readFile(new URL("sentences.json", folder), "utf8")) as {
    file: string;
    type: string;
    text: string;
  }[];
  return Promise.all(
    sentences.map(async ({ file, type, text }) => ({
      name: file,
      type,
      text,
      bytes: await readFile(new URL(file, folder)),
    })),
  );
}

/** The clips one after another with half a second between them, as a WAV of 16 kHz mono PCM16. */
export async function concatenate(clips: readonly Clip[]): Promise<Clip> {
  const parts: Int16Array[] = [];
  for (const clip of clips) parts.push(await decodeClip(clip), new Int16Array(SAMPLE_RATE / 2));
  const name = `${clips.length}-sentences.wav`;
  return { name, type: "audio/wav", text: clips.map(({ text }) => text).join(" "), bytes: wavOf(parts) };
}

/** The committed sentences over and over, cut at the end of the first one that reaches `seconds`. */
export async function longClip(seconds: number): Promise<Clip> {
  const clips = await demoClips();
  const chosen: Clip[] = [];
  let samples = 0;
  for (let index = 0; samples < seconds * SAMPLE_RATE; index += 1) {
    const clip = clips[index % clips.length];
    if (clip === undefined) throw new Error("there are no clips");
    chosen.push(clip);
    samples += (await decodeClip(clip)).length + SAMPLE_RATE / 2;
  }
  return { ...(await concatenate(chosen)), name: `${seconds}-seconds.wav` };
}

/** Exactly `seconds` of speech, for measurements in which every segment must be as long as the other. */
export async function exactSamples(seconds: number): Promise<Int16Array> {
  const clips = await demoClips();
  const samples = new Int16Array(seconds * SAMPLE_RATE);
  let filled = 0;
  for (let index = 0; filled < samples.length; index += 1) {
    const clip = clips[index % clips.length];
    if (clip === undefined) throw new Error("there are no clips");
    const part = (await decodeClip(clip)).subarray(0, samples.length - filled);
    samples.set(part, filled);
    filled += part.length;
  }
  return samples;
}

const decoded = new Map<string, Promise<Int16Array>>();

/** 16 kHz mono samples of a clip, as ingest would decode it. */
export function decodeClip(clip: Clip): Promise<Int16Array> {
  const known = decoded.get(clip.name);
  if (known !== undefined) return known;
  const samples = (async () => {
    const parts: Int16Array[] = [];
    const reader = createByteReader(Readable.from([clip.bytes]), { maxBytes: clip.bytes.length });
    for await (const segment of decodeSegments(reader, { maxSeconds: 600, segmentSeconds: 25 }))
      parts.push(segment.samples);
    return join(parts);
  })();
  decoded.set(clip.name, samples);
  return samples;
}

export function wavOf(parts: readonly Int16Array[]): Uint8Array {
  return encodeWav(join(parts), { sampleRate: SAMPLE_RATE });
}

function join(parts: readonly Int16Array[]): Int16Array {
  const joined = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
