/**
 * Speech recognition models behind one interface: a pass of segments in; text, language, words with times and a score out.
 *
 * Whatever the architecture, each row has its own outcome, and repetitions are repaired in every text that leaves, but for an
 * answer chosen from a list: that is the caller's own. So what an architecture tells of a text while it grows is held back
 * as far as a repair may still cut it: of what leaves, each part begins with the one before, and the text with the last. Windows of
 * live speech are another matter (windows/): what repeats itself there is never told as stable.
 */
import { type Manifest, SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import { adaptPass, type Cast, loadModel, runWhole } from "@parlance/inference";
import { architectures } from "./architectures.ts";
import { certainText } from "./certain-text.ts";
import { asrLayouts } from "./layouts/index.ts";
import { repairTranscript } from "./repetition.ts";
import type { AsrModel, AsrOutcome, AsrPart, AsrSegment, LoadAsrOptions } from "./types.ts";
import { windowResult } from "./windows/memory.ts";

const recognition = {
  family: "asr",
  called: "speech recognition",
  setting: "MODEL_ID",
  layouts: asrLayouts,
  architectures,
  cast,
} as const;

const silence: AsrSegment = {
  samples: new Int16Array(SAMPLE_RATE),
  language: "auto",
  timestamps: true,
  hotwords: [],
  phrases: [],
};

/** Throws a SpeechError with one clear sentence when the model, the device or a file is not what it should be. */
export async function loadAsrModel(options: LoadAsrOptions): Promise<AsrModel> {
  const model = await loadModel(recognition, options);
  return { ...model, transcribe: (segments) => runWhole(model.run, segments) };
}

function cast({ name, sampleRate }: Manifest): Cast<AsrSegment, AsrPart, AsrOutcome, object> {
  if (sampleRate !== SAMPLE_RATE) {
    const message = `model ${name} wants ${sampleRate} Hz, segments have ${SAMPLE_RATE}`;
    throw new SpeechError("validation_failed", message, { param: recognition.setting });
  }
  return {
    abilities: {},
    warmUp: silence,
    adapt(pass) {
      const told = new Map<number, string>();
      return adaptPass(pass, {
        open: (segment) => openSegment(segment),
        part({ text, before, language }: AsrPart, { phrases, window }, row): AsrPart | undefined {
          if (window !== undefined) return undefined;
          const certain = phrases.length > 0 ? text : certainText(text, before);
          if (certain.length <= (told.get(row)?.length ?? 0)) return undefined;
          told.set(row, certain);
          return language === undefined ? { text: certain } : { text: certain, language };
        },
        outcome: (outcome: AsrOutcome, { phrases, window }) =>
          phrases.length > 0 || window !== undefined ? outcome : repair(outcome),
      });
    },
  };
}

/** A window asks for nothing but its text; a phrase is chosen when the utterance is over. */
function openSegment(segment: AsrSegment): { row: AsrSegment } | { outcome: AsrOutcome } {
  const { window, phrases, language } = segment;
  if (window === undefined) return { row: segment };
  if (phrases.length === 0) return { row: { ...segment, timestamps: false, temperature: 0, logprobs: false } };
  const told = { language: language === "auto" ? "" : language, score: null, truncated: false };
  return { outcome: { ok: true, result: windowResult({ stable: "", tail: "", memory: {} }, told) } };
}

function repair(outcome: AsrOutcome): AsrOutcome {
  if (!outcome.ok) return outcome;
  const { result } = outcome;
  return { ok: true, result: { ...result, ...repairTranscript(result.text, result.words, result.stretches) } };
}
