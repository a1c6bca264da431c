/** A small model of an architecture, with segments for it, as the conformance suite takes it. */
import type { AsrSegment, LoadAsrOptions } from "../../types.ts";

export interface AsrSpecimen {
  /** Its layout, or what else tells it from the others of its architecture. */
  name: string;
  /** Writes the model's folder. Absent: `modelId` is one that ships. */
  write?(folder: string): Promise<void>;
  modelId?: string;
  options?: Partial<LoadAsrOptions>;
  rows: readonly AsrSegment[];
  /** Each for another reason; every model refuses those that are too long. */
  refused: readonly AsrSegment[];
  /** Whether it may try again, from what it told on. */
  triesAgain?: boolean;
  /** Whether it tells parts. Default: it tells none. */
  tellsParts?: boolean;
  /** One that comes to the end of the model's budget. */
  truncated?: AsrSegment;
}

export function segment(samples: Int16Array, change: Partial<AsrSegment> = {}): AsrSegment {
  return { samples, language: "auto", timestamps: false, hotwords: [], phrases: [], ...change };
}
