/** The interface that every speech recognition architecture implements. */
import type { Failure, Language, Manifest, Word } from "@parlance/contracts";
import type { Pass } from "@parlance/inference";

/** One row of a pass. */
export interface AsrSegment {
  /** 16 kHz mono. */
  samples: Int16Array;
  language: Language;
  timestamps: boolean;
  /** Words to prefer. */
  hotwords: readonly string[];
  /** What the speech may be about, for architectures that take such a text. */
  context?: string | undefined;
  /** When not empty, the answer is the likeliest of these phrases. */
  phrases: readonly string[];
}

export interface AsrResult {
  text: string;
  /** English name; empty when the model could not tell. */
  language: string;
  /** Seconds from the beginning of the segment; empty unless asked for. */
  words: Word[];
  /**
   * Mean log-probability per decoded token, natural log; null when nothing was said. With `phrases`: log of the phrase's
   * probability among those in the list.
   */
  score: number | null;
  /** True when the model stopped at its token budget. */
  truncated: boolean;
}

/** What there is of a row before it ends. */
export interface AsrPart {
  /** All so far. The next part may say it otherwise. */
  text: string;
}

/** Of one row: a row that fails leaves the others alone. */
export type AsrOutcome = { ok: true; result: AsrResult } | { ok: false; failure: Failure };

export type AsrPass = Pass<AsrSegment, AsrPart, AsrOutcome>;

export interface ModelDescription {
  name: string;
  architecture: string;
  /** `cpu`, `cuda:0` … */
  device: string;
  computeType: string;
  cuda: boolean;
  /** Finding the model and verifying its files: a part of the loading. */
  checkSeconds: number;
  loadSeconds: number;
  warmUpSeconds: number;
  /** Whether waiting rows take the places of those that have ended: a pass need not be full when it begins. */
  refills: boolean;
}

export interface AsrModel {
  readonly description: ModelDescription;
  /** Runs a pass. Throws a SpeechError `engine_out_of_memory` when it does not fit the device. */
  run(pass: AsrPass): Promise<void>;
  /** A pass of these rows alone, run whole: an outcome for each, in order. */
  transcribe(segments: readonly AsrSegment[]): Promise<AsrOutcome[]>;
  /** Not while a pass runs. */
  close(): Promise<void>;
}

export interface LoadAsrOptions {
  /** A model's name, or a folder with a manifest. */
  modelId: string;
  /** Folder searched before the models that ship with Parlance. */
  modelRoot?: string | undefined;
  /** `auto`, `cpu`, `cuda` or `cuda:<n>`. */
  device: string;
  computeType: "auto" | "int8" | "float16" | "float32";
  /** 0: one per core, at most 8. */
  threads: number;
  beamSize?: number | undefined;
  /** ARPA file to use instead of the model's own. */
  languageModel?: string | undefined;
  /** Folder for what is worked out from a model's files once and read back from then on; undefined: nothing is kept. */
  preparedFolder?: string | undefined;
  log: (message: string, fields?: Record<string, unknown>) => void;
}

/** What an architecture is given: a checked manifest, its folder, and the resolved device. */
export interface ArchitectureContext {
  manifest: Manifest;
  folder: string;
  options: LoadAsrOptions;
  device: { provider: "cpu" | "cuda"; deviceId: number };
}

/** One file or folder each, registered in one table. */
export interface AsrArchitecture {
  readonly name: string;
  load(context: ArchitectureContext): Promise<LoadedArchitecture>;
}

export interface LoadedArchitecture {
  computeType: string;
  /** Whether its passes take in waiting rows; default: they do not. */
  refills?: boolean;
  /** A pass. What it keeps between its runs is its own: another may run at each of its yield points. */
  run(pass: AsrPass): Promise<void>;
  close(): Promise<void>;
}
