/** The interface that every text-to-speech architecture implements. */
import type { Failure, Language, Operation } from "@parlance/contracts";
import type {
  Architecture,
  ArchitectureContext,
  LoadOptions,
  Model,
  ModelDescription,
  Pass,
} from "@parlance/inference";

/** A recording of the voice to imitate. */
export interface VoiceReference {
  /** Its checksum: what a model has made of it may be kept by that. */
  id: string;
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
  /** 32 bits: what a model that samples draws its chances from. The same row with the same seed is the same sound, in whatever pass. */
  seed: number;
  /** 0.25 to 4; 1 is the voice's own pace. */
  speed: number;
}

export interface SpokenText {
  /** Mono, without silence beyond a few hundredths of a second at either end. */
  samples: Int16Array;
  /** True when the model stopped at its budget: the text is not whole. */
  truncated: boolean;
  /** By which a model that samples would say the same again: the row's own, unless that came to nothing and another was tried. */
  seed?: number | undefined;
}

/**
 * What there is of a row before it ends: the samples that follow those of the part before. Every architecture tells parts, and says the
 * same of the same row whenever it is run: one that samples does so by the row's seed.
 */
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

/** What a text-to-speech model tells of itself beside what every model does. */
export interface TtsAbilities {
  /** Of everything that the model says, in Hz. */
  sampleRate: number;
  operations: Operation[];
  voices: Voice[];
  /** Whether `instructions` are followed. Asking a model that does not is an error, never ignored. */
  instructions: boolean;
}

export interface TtsModel extends Model<SpeechText, TtsPart, TtsOutcome, ModelDescription & TtsAbilities> {
  /** A pass of these rows alone, run whole: an outcome for each, in order. */
  speak(texts: readonly SpeechText[]): Promise<TtsOutcome[]>;
}

export type LoadTtsOptions = LoadOptions;
export type TtsArchitectureContext = ArchitectureContext<LoadTtsOptions>;
export type TtsArchitecture = Architecture<LoadTtsOptions, SpeechText, TtsPart, TtsOutcome>;
