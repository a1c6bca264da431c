/** What an intake message asks for, whoever sent it and however it was written. */
import type { Lane, Operation, SpeechError } from "@parlance/contracts";
import type { SpeechWish } from "./read-speech.ts";

/** What an item's jobs say beside their audio. */
export interface TranscriptionWishes {
  language: string;
  timestamps: boolean;
  hotwords: string[];
  phrases: string[];
  context: string;
  translate: boolean;
  temperature: number;
  logprobs: boolean;
  parts: boolean;
}

export interface IntakeItem {
  itemId: string;
  customId: string | undefined;
  operation: Operation;
  wishes: TranscriptionWishes;
  /** What is to be spoken, when the operation is one of speech. */
  speech?: SpeechWish;
  /** What is to be transcribed, or the voice to clone; absent when there is nothing to be had. */
  audio: { kind: "inline"; bytes: Uint8Array } | { kind: "file"; id: string } | undefined;
  /** What was sent with it and has no meaning here: told with its end. */
  warnings?: string[];
  /** Why the item has failed before it began. */
  error?: SpeechError;
}

export interface IntakeBatch {
  batchId: string;
  label: string;
  lane: Lane;
  items: IntakeItem[];
  /** Why the whole message is put aside; its one item then carries the same error, so that its sender is told. */
  refusal?: SpeechError;
}

/** A raw drop's only item, and the item that tells of a submission that could not be read. */
export const ONLY_ITEM = "0";

/** Of an item that has failed before anything could be asked. */
export const noWishes: TranscriptionWishes = {
  language: "auto",
  timestamps: false,
  hotwords: [],
  phrases: [],
  context: "",
  translate: false,
  temperature: 0,
  logprobs: false,
  parts: false,
};
