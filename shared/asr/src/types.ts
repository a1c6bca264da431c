/** The interface that every speech recognition architecture implements. */
import type { Failure, HeardWindow, Language, TextStretch, TokenScore, WindowMemory, Word } from "@parlance/contracts";
import type { Architecture, ArchitectureContext as FamilyContext, LoadOptions, Model, Pass } from "@parlance/inference";

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
  /** English is wanted, whatever is spoken; architectures that cannot do it refuse the row. Default false. */
  translate?: boolean | undefined;
  /** 0 to 1; 0: the likeliest text. Default 0. Above it tokens are sampled, the same for the same audio. Architectures that do not sample ignore it. */
  temperature?: number | undefined;
  /** Whether `tokens` is wanted. Default false. */
  logprobs?: boolean | undefined;
  /**
   * Asks for a partial pass: the samples are an utterance so far, from its beginning, which is heard again as it grows. The answer is
   * `heard`: quick, greedy, without word times, stretches, tokens and sampling. `memory`: of the window before; undefined in
   * the first one. One that another model or version wrote is no error: the utterance is begun anew.
   */
  window?: { memory: WindowMemory | undefined } | undefined;
}

export interface AsrResult {
  text: string;
  /** Of the text, not of the audio: English where it was translated. English name; empty when the model could not tell. */
  language: string;
  /** Seconds from the beginning of the segment; empty unless asked for. */
  words: Word[];
  /** The text in stretches that cover it, with times from the beginning of the segment; none when nothing was said. */
  stretches: TextStretch[];
  /** Of the whole text; only where asked for, by architectures that can tell them. */
  tokens?: TokenScore[] | undefined;
  /**
   * Mean log-probability per decoded token, natural log; null when nothing was said. With `phrases`: log of the phrase's
   * probability among those in the list.
   */
  score: number | null;
  /** True when the model stopped at its token budget. */
  truncated: boolean;
  /**
   * Of a window, and of nothing else. `stable` begins with that of the window before, if its memory was given, and `text` is
   * `stable` and `tail` together. With `phrases` both are empty: those are chosen among when the utterance is over.
   */
  heard?: HeardWindow | undefined;
}

/** What there is of a row before it ends. */
export interface AsrPart {
  /** All that is certain so far: each later part, and the result's text, begin with it. */
  text: string;
  /** The result's, where it is known. */
  language?: string | undefined;
  /**
   * Of an architecture that repairs repetitions itself: what its model wrote before the text, and is repaired with it. Read by
   * load-asr-model.ts, which holds back what a repair may still cut; no part that leaves has it.
   */
  before?: string | undefined;
}

/** Of one row: a row that fails leaves the others alone. */
export type AsrOutcome = { ok: true; result: AsrResult } | { ok: false; failure: Failure };

export type AsrPass = Pass<AsrSegment, AsrPart, AsrOutcome>;

export interface AsrModel extends Model<AsrSegment, AsrPart, AsrOutcome> {
  /** A pass of these rows alone, run whole: an outcome for each, in order. */
  transcribe(segments: readonly AsrSegment[]): Promise<AsrOutcome[]>;
}

export interface LoadAsrOptions extends LoadOptions {
  beamSize?: number | undefined;
  /** ARPA file to use instead of the model's own. */
  languageModel?: string | undefined;
  /** Folder for what is worked out from a model's files once and read back from then on; undefined: nothing is kept. */
  preparedFolder?: string | undefined;
}

export type ArchitectureContext = FamilyContext<LoadAsrOptions>;
export type AsrArchitecture = Architecture<LoadAsrOptions, AsrSegment, AsrPart, AsrOutcome>;
