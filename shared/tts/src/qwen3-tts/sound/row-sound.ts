/**
 * From a row's frames to its samples, as they come: chunks through the codec, without the silence at the ends, at the row's speed, as
 * PCM16. The same frames and plan give the same samples.
 */
import { toPcm16 } from "@parlance/audio/samples";
import type { GiveWay } from "@parlance/generation";
import { type ChunkSizes, createChunkPlan } from "../codec/chunk-plan.ts";
import type { CodecStream } from "../codec/codec-decoder.ts";
import { joinedPcm } from "./joined.ts";
import { createPace } from "./pace.ts";
import { createSilenceTrimmer } from "./silence.ts";

export interface RowSoundOptions {
  /** Opens the codec, when there is something to decode. */
  begin(giveWay: GiveWay): Promise<CodecStream>;
  sampleRate: number;
  sizes: ChunkSizes;
  speed: number;
}

export interface RowSound {
  readonly frames: number;
  /** Samples so far. */
  readonly length: number;
  /** Whether anything but silence was among them. */
  readonly heard: boolean;
  add(frame: Int32Array): void;
  /** Frames from this one on are not to be heard, as far as they have not been. */
  cut(frame: number): void;
  /** Decodes what is due and answers the samples that follow those before; once the row has ended, all that is left. */
  advance(ended: boolean, giveWay: GiveWay): Promise<Int16Array>;
  /** All samples so far. */
  samples(): Int16Array;
}

export function createRowSound({ begin, sampleRate, sizes, speed }: RowSoundOptions): RowSound {
  const frames: Int32Array[] = [];
  const plan = createChunkPlan(sizes);
  const trimmer = createSilenceTrimmer(sampleRate);
  const pace = createPace(sampleRate, speed);
  const parts: Int16Array[] = [];
  let stream: CodecStream | undefined;
  let decoded = 0;
  let length = 0;

  return {
    get frames() {
      return frames.length;
    },
    get length() {
      return length;
    },
    get heard() {
      return trimmer.heard;
    },
    add(frame) {
      frames.push(frame);
    },
    cut(frame) {
      frames.length = Math.max(decoded, Math.min(frames.length, frame));
    },
    async advance(ended, giveWay) {
      const made: Float32Array[] = [];
      for (;;) {
        const chunk = plan.next(frames.length, ended);
        if (chunk === undefined) break;
        decoded = chunk.end;
        stream ??= await begin(giveWay);
        const samples = await stream.decode(frames.slice(chunk.begin, chunk.end), giveWay);
        made.push(pace.push(trimmer.push(samples)));
      }
      if (ended) made.push(pace.push(trimmer.end()), pace.end());
      const fresh = joinedPcm(made.map(toPcm16));
      parts.push(fresh);
      length += fresh.length;
      return fresh;
    },
    samples: () => joinedPcm(parts),
  };
}
