/**
 * Speech recognition models behind one interface: a pass of segments in; text, language, words with times and a score out.
 *
 * Whatever the architecture, each row has its own outcome, and repetitions are repaired in every text that leaves, but for an
 * answer chosen from a list: that is the caller's own.
 */
import { type Manifest, SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import { adaptPass, type Cast, loadModel, runWhole } from "@parlance/inference";
import { architectures } from "./architectures.ts";
import { asrLayouts } from "./layouts/index.ts";
import { repairTranscript } from "./repetition.ts";
import type { AsrModel, AsrOutcome, AsrPart, AsrSegment, LoadAsrOptions } from "./types.ts";

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
    adapt: (pass) =>
      adaptPass(pass, {
        open: (segment) => ({ row: segment }),
        part: ({ text }: AsrPart, { phrases }) => (phrases.length > 0 ? { text } : repairTranscript(text, [])),
        outcome: (outcome: AsrOutcome, { phrases }) => (phrases.length > 0 ? outcome : repair(outcome)),
      }),
  };
}

function repair(outcome: AsrOutcome): AsrOutcome {
  if (!outcome.ok) return outcome;
  return { ok: true, result: { ...outcome.result, ...repairTranscript(outcome.result.text, outcome.result.words) } };
}
