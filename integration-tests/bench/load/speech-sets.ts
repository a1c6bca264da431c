/** The committed recordings of held-out sentences, one Ogg Opus file a set. models/recipes/parlance-en/bench_audio.py makes them. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createByteReader, decodeSegments } from "@parlance/audio";
import * as z from "zod";

const folder = new URL("../speech/", import.meta.url);

const indexSchema = z.array(
  z.object({
    /** In samples at 16 kHz. */
    start: z.number().int(),
    samples: z.number().int(),
    kind: z.string(),
    /** `engine:voice`. */
    voice: z.string(),
    text: z.string(),
  }),
);

export interface Utterance {
  kind: string;
  voice: string;
  /** What is said, in words. */
  text: string;
  /** 16 kHz mono. */
  samples: Int16Array;
}

/** Throws when the recording is shorter than its index says. */
export async function readSpeechSet(name: string): Promise<Utterance[]> {
  const index = indexSchema.parse(JSON.parse(await readFile(new URL(`${name}.json`, folder), "utf8")));
  const recording = createReadStream(new URL(`${name}.opus`, folder));
  const reader = createByteReader(recording, { maxBytes: 64 * 1_048_576 });
  const parts: Int16Array[] = [];
  for await (const { samples } of decodeSegments(reader, { maxSeconds: 3_600, segmentSeconds: 25 }))
    parts.push(samples);
  const whole = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return index.map(({ start, samples, ...utterance }) => {
    if (start + samples > whole.length) throw new Error(`${name}.opus is shorter than its index says`);
    return { ...utterance, samples: whole.slice(start, start + samples) };
  });
}
