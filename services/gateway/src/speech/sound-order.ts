/**
 * The sound of a spoken item in order, from what comes in no order and not for certain: parts of its segments while they are spoken
 * (contracts, sound.ts), late, twice, or never; and their results, which name what is stored. Pure.
 *
 * Only the head is told: the first segment that is not whole. What was told stands, and what follows begins at the sample behind it,
 * whichever run of the segment it comes from. Where parts are missing the stored object has the rest. What comes ahead of the head is
 * kept up to a bound; beyond it, too, the object has the rest.
 */
import { BYTES_PER_SAMPLE, type SegmentResult } from "@parlance/contracts";

export type SpokenSegment = Extract<SegmentResult, { outcome: "spoken" }>;

export type SoundStep =
  | { do: "tell"; sampleRate: number; samples: Int16Array }
  /** The rest of the head is what the object `audio` has from the sample `from` on. */
  | { do: "read"; audio: string; sampleRate: number; from: number }
  /** The head is whole; this silence comes before the next one. */
  | { do: "pause"; ms: number }
  | { do: "end" };

/** A part as its headers tell it. */
export interface HeardSound {
  sampleRate: number;
  /** In samples of its segment. */
  position: number;
  /** Mono PCM16. */
  bytes: Uint8Array;
  /** On a segment's last part: of the whole of it. */
  samples?: number | undefined;
  last: boolean;
  pauseMs: number;
}

export interface SoundOrder {
  part(n: number, part: HeardSound): void;
  /** False when it is known already: the first one counts. */
  stored(n: number, segment: SpokenSegment): boolean;
  /** What is to be done next; undefined while nothing is known of it. Whoever is told to read does so before it asks again. */
  take(): SoundStep | undefined;
}

interface Segment {
  sampleRate: number | undefined;
  parts: { position: number; samples: Int16Array }[];
  end: { samples: number; last: boolean; pauseMs: number } | undefined;
  result: SpokenSegment | undefined;
}

/** Samples that may be kept ahead of what is told: half a minute at 16 kHz. */
const MOST_AHEAD = 524_288;

export function createSoundOrder({ mostAhead = MOST_AHEAD } = {}): SoundOrder {
  const segments = new Map<number, Segment>();
  let head = 0;
  /** Samples of the head that were told. */
  let told = 0;
  let ahead = 0;
  let ended = false;

  function segmentOf(n: number): Segment {
    const segment = segments.get(n) ?? { sampleRate: undefined, parts: [], end: undefined, result: undefined };
    segments.set(n, segment);
    return segment;
  }

  /** What follows what was told, out of the parts that are here. */
  function next({ parts }: Segment): Int16Array | undefined {
    for (let at = 0; at < parts.length; at += 1) {
      const { position, samples } = parts[at] ?? { position: 0, samples: new Int16Array() };
      if (position > told) continue;
      parts.splice(at, 1);
      ahead -= samples.length;
      at -= 1;
      if (position + samples.length > told) return samples.subarray(told - position);
    }
    return undefined;
  }

  function goOn(last: boolean, pauseMs: number): SoundStep {
    for (const { samples } of segments.get(head)?.parts ?? []) ahead -= samples.length;
    segments.delete(head);
    head += 1;
    told = 0;
    ended = last;
    return last ? { do: "end" } : { do: "pause", ms: pauseMs };
  }

  return {
    part(n, { sampleRate, position, bytes, samples, last, pauseMs }) {
      if (ended || n < head || bytes.byteLength % BYTES_PER_SAMPLE !== 0) return;
      const segment = segmentOf(n);
      // Another model's, which was loaded meanwhile: the result decides.
      if (segment.sampleRate !== undefined && segment.sampleRate !== sampleRate) return;
      segment.sampleRate = sampleRate;
      if (samples !== undefined) segment.end ??= { samples, last, pauseMs };
      // A copy of its own: samples must lie on even addresses.
      const own = new Int16Array(Uint8Array.from(bytes).buffer);
      if (n === head && position + own.length <= told) return;
      if (own.length === 0 || ahead + own.length > mostAhead) return;
      ahead += own.length;
      segment.parts.push({ position, samples: own });
    },
    stored(n, result) {
      if (ended || n < head || segments.get(n)?.result !== undefined) return false;
      segmentOf(n).result = result;
      return true;
    },
    take() {
      const segment = ended ? undefined : segments.get(head);
      if (segment === undefined) return undefined;
      const { sampleRate, end, result } = segment;
      const samples = next(segment);
      if (samples !== undefined && sampleRate !== undefined) {
        told += samples.length;
        return { do: "tell", sampleRate, samples };
      }
      if (end !== undefined && told >= end.samples) return goOn(end.last, end.pauseMs);
      if (result === undefined) return undefined;
      if (told < result.samples) {
        const from = told;
        told = result.samples;
        return { do: "read", audio: result.audio, sampleRate: result.sampleRate, from };
      }
      return goOn(result.last, result.pauseMs);
    },
  };
}
