/** Utterances that are in the record and came to no job: their samples, out of the audio that is heard again. Pure. */
import type { RecordedUtterance } from "./utterance-book.ts";

export interface CollectedUtterance extends RecordedUtterance {
  /** Undefined: most of it could not be had. */
  audio: Int16Array | undefined;
}

export interface SpanCollector {
  /** `missing`: silence in place of audio that is not to be had. */
  push(at: number, samples: Int16Array, missing: boolean): void;
  /** Those that are complete, and with `all` also the others. Each once. */
  take(all: boolean): CollectedUtterance[];
}

export function createSpanCollector(utterances: readonly RecordedUtterance[]): SpanCollector {
  let open = utterances.map((utterance) => ({
    ...utterance,
    audio: new Int16Array(utterance.samples),
    heard: 0,
    reached: utterance.start,
  }));
  return {
    push(at, samples, missing) {
      for (const span of open) {
        const from = Math.max(at, span.start);
        const to = Math.min(at + samples.length, span.start + span.samples);
        if (to <= from) continue;
        span.audio.set(samples.subarray(from - at, to - at), from - span.start);
        span.reached = to;
        if (!missing) span.heard += to - from;
      }
    },
    take(all) {
      const isDone = ({ reached, start, samples }: (typeof open)[number]) => all || reached >= start + samples;
      const taken = open.filter(isDone);
      open = open.filter((span) => !isDone(span));
      return taken.map(({ itemId, start, samples, audio, heard }) => ({
        itemId,
        start,
        samples,
        audio: heard * 2 > samples ? audio : undefined,
      }));
    },
  };
}
