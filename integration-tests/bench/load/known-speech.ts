/** Speech of which is known when each word ends: the committed sentences, each with the times that the model itself finds in it as a file. */
import { demoClips } from "../../src/clips.ts";
import type { DirectEngine } from "../../src/direct-engine.ts";
import { spokenSentences } from "./spoken.ts";

export interface KnownWord {
  text: string;
  /** Seconds from the speech's beginning. */
  start: number;
  end: number;
}

export interface KnownSpeech {
  /** 16 kHz mono. */
  samples: Int16Array;
  words: KnownWord[];
}

/** Sentences in no order with pauses between, of exactly `seconds`. */
export type SpeechMaker = (seconds: number, random: () => number) => Promise<KnownSpeech>;

/** Reads the sentences once. */
export async function readSpeech(engine: Pick<DirectEngine, "transcribe">): Promise<SpeechMaker> {
  const wordsOf = new Map<string, KnownWord[]>();
  for (const clip of await demoClips()) {
    wordsOf.set(clip.name, (await engine.transcribe(clip, { timestamps: true })).timestamps);
  }
  return async (seconds, random) => {
    const { samples, sentences } = await spokenSentences(seconds, random);
    const words = sentences.flatMap(({ name, start }) =>
      (wordsOf.get(name) ?? []).map((word) => ({ text: word.text, start: start + word.start, end: start + word.end })),
    );
    return { samples, words };
  };
}
