/** What endpointing is, for who holds a session. Positions are samples at 16 kHz from the session's beginning. */
import type { UtteranceEnd } from "@parlance/contracts";
import type { Heard } from "./listening.ts";

export interface EndpointerOptions {
  /** `detect`: a silence ends an utterance. `none`: only `finalize`, `close` and the longest length do. Default `detect`. */
  turns?: "detect" | "none" | undefined;
  /** Probability from which on somebody speaks; below it by more than .15 nobody does, and between them all stays as it is. Default .5. */
  threshold?: number | undefined;
  /** Milliseconds of an utterance before its first speech. Default 300. */
  prefixMs?: number | undefined;
  /** Milliseconds of silence that end an utterance, and are its end. Default 500. */
  silenceMs?: number | undefined;
  /** SEGMENT_SECONDS: no utterance is longer, so that a file of the same samples is one segment. Default 25. */
  segmentSeconds?: number | undefined;
}

/**
 * From here a fresh endpointer makes the same cuts: everything before is final, or nothing was said in it. It moves along while
 * nobody speaks, and from utterance to utterance.
 */
export interface RestPoint {
  at: number;
  /** An utterance was cut here because it was too long: the next one begins here, without waiting for speech. */
  carriesOn: boolean;
}

export type EndpointEvent =
  /** Somebody speaks: two windows in a row were above the threshold. `start` includes the prefix. */
  | { type: "started"; start: number }
  /** The utterance is complete. It has `samples`: those from `start` to `end`, silence included; nobody changes them. */
  | { type: "stopped"; start: number; end: number; cause: UtteranceEnd; samples: Int16Array }
  /** It ended with less than 250 ms of speech, or none where it carried on: no utterance. */
  | { type: "dropped"; start: number; end: number };

/** An utterance that goes on. */
export interface OpenUtterance {
  start: number;
  /** From `start` on, as far as they are heard; its own copy. */
  samples: Int16Array;
}

export interface Endpointer {
  /** What follows what was pushed before. Samples that lie before its rest point are passed over. */
  push(heard: Heard): EndpointEvent[];
  /** What is spoken up to here is an utterance, however short, if anybody speaks. The session goes on. */
  finalize(): EndpointEvent[];
  /** The same; nothing follows. */
  close(): EndpointEvent[];
  /** Counts from the next utterance on. */
  update(options: EndpointerOptions): void;
  /** Up to where it has heard. */
  readonly heard: number;
  readonly rest: RestPoint;
  /** Undefined while nobody speaks. */
  utterance(): OpenUtterance | undefined;
}
