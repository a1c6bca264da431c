/** The interface that every text-to-speech architecture implements. */
import type { Failure, Language, Manifest, Operation } from "@parlance/contracts";
import type { Pass } from "@parlance/inference";

/** A recording of the voice to imitate. */
export interface VoiceReference {
  /** Mono. */
  samples: Int16Array;
  sampleRate: number;
  /** What is said in it; undefined when the caller asks to imitate the sound alone. */
  text: string | undefined;
}

/** One row of a pass: a sentence or a few, as a person would write them. */
export interface SpeechText {
  text: string;
  language: Language;
  /** The id of one of the model's voices; undefined: its default voice. */
  voice: string | undefined;
  /** How to say it, or what voice to make up, in words; empty: nothing asked. */
  instructions: string;
  reference: VoiceReference | undefined;
  /** 0.25 to 4; 1 is the voice's own pace. */
  speed: number;
}

export interface SpokenText {
  /** Mono, without silence beyond a few hundredths of a second at either end. */
  samples: Int16Array;
  /** True when the model stopped at its budget: the text is not whole. */
  truncated: boolean;
}

/** What there is of a row before it ends: the samples that follow those of the part before. */
export interface TtsPart {
  /** Mono. The parts joined are the outcome's samples, or their beginning. */
  samples: Int16Array;
}

/** Of one row: a row that fails leaves the others alone. */
export type TtsOutcome = { ok: true; result: SpokenText } | { ok: false; failure: Failure };

export type TtsPass = Pass<SpeechText, TtsPart, TtsOutcome>;

export interface Voice {
  id: string;
  name: string;
  gender: "female" | "male" | "neutral";
  /** English name. */
  language: string;
}

export interface TtsModelDescription {
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
  /** Of everything that the model says, in Hz. */
  sampleRate: number;
  operations: Operation[];
  voices: Voice[];
  /** Whether waiting rows take the places of those that have ended: a pass need not be full when it begins. */
  refills: boolean;
  /** Whether `instructions` are followed. Asking a model that does not is an error, never ignored. */
  instructions: boolean;
}

export interface TtsModel {
  readonly description: TtsModelDescription;
  /** Runs a pass. Throws a SpeechError `engine_out_of_memory` when it does not fit the device. */
  run(pass: TtsPass): Promise<void>;
  /** A pass of these rows alone, run whole: an outcome for each, in order. */
  speak(texts: readonly SpeechText[]): Promise<TtsOutcome[]>;
  /** Not while a pass runs. */
  close(): Promise<void>;
}

export interface LoadTtsOptions {
  /** A model's name, or a folder with a manifest. */
  modelId: string;
  /** Folder searched before the models that ship with Parlance. */
  modelRoot?: string | undefined;
  /** `auto`, `cpu`, `cuda` or `cuda:<n>`. */
  device: string;
  computeType: "auto" | "int8" | "float16" | "float32";
  /** 0: one per core, at most 8. */
  threads: number;
  log: (message: string, fields?: Record<string, unknown>) => void;
}

/** What an architecture is given: a checked manifest, its folder, and the resolved device. */
export interface TtsArchitectureContext {
  manifest: Manifest;
  folder: string;
  options: LoadTtsOptions;
  device: { provider: "cpu" | "cuda"; deviceId: number };
}

/** One file or folder each, registered in one table. */
export interface TtsArchitecture {
  readonly name: string;
  load(context: TtsArchitectureContext): Promise<LoadedTtsArchitecture>;
}

export interface LoadedTtsArchitecture {
  computeType: string;
  /** Whether its passes take in waiting rows; default: they do not. */
  refills?: boolean;
  /** A pass. What it keeps between its runs is its own: another may run at each of its yield points. */
  run(pass: TtsPass): Promise<void>;
  close(): Promise<void>;
}
