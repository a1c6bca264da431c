/** The spoken segments of an item → the sound that its file is made of. Pure. */
import {
  type Operation,
  type SegmentResult,
  type SegmentResults,
  type SpeechFormat,
  segmentTotal,
} from "@parlance/contracts";

export interface ItemSound {
  operation: Operation;
  format: SpeechFormat;
  /** Of the whole, in Hz: the first segment's. */
  sampleRate: number;
  /** In order. */
  parts: SoundPart[];
}

export interface SoundPart {
  /** The object of the `files` bucket that holds it: mono PCM16. */
  file: string;
  sampleRate: number;
  /** Silence after it, in samples of the whole; none after the last. */
  pause: number;
}

type Spoken = Extract<SegmentResult, { outcome: "spoken" }>;

/** Undefined unless every segment is there and spoken. */
export function foldSound(results: SegmentResults): ItemSound | undefined {
  const spoken = [...results]
    .sort(([a], [b]) => a - b)
    .map(([, result]) => result)
    .filter((result): result is Spoken => result.outcome === "spoken");
  const [first] = spoken;
  if (first === undefined || spoken.length !== segmentTotal(results)) return undefined;
  const { operation, format, sampleRate } = first;
  return {
    operation,
    format,
    sampleRate,
    parts: spoken.map((part, index) => ({
      file: part.audio,
      sampleRate: part.sampleRate,
      pause: index === spoken.length - 1 ? 0 : Math.round((part.pauseMs * sampleRate) / 1_000),
    })),
  };
}
