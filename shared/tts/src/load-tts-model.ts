/**
 * Text-to-speech models behind one interface: a pass of texts in; samples or a clear refusal out, row by row.
 *
 * Whatever the architecture, what the manifest does not offer (a voice, a language, instructions, imitating a reference) is refused
 * for the row that asks for it and never ignored.
 */
import { type Failure, type Manifest, SPEEDS, type TtsSection, ttsSectionSchema } from "@parlance/contracts";
import { adaptPass, type Cast, loadModel, readSection, runWhole } from "@parlance/inference";
import { architectures } from "./architectures.ts";
import { ttsLayouts } from "./layouts/index.ts";
import type { LoadTtsOptions, SpeechText, TtsAbilities, TtsModel, TtsOutcome, TtsPart } from "./types.ts";

const speech = {
  family: "tts",
  called: "text to speech",
  setting: "TTS_MODEL_ID",
  layouts: ttsLayouts,
  architectures,
  cast,
} as const;

/** Throws a SpeechError with one clear sentence when the model, the device or a file is not what it should be. */
export async function loadTtsModel(options: LoadTtsOptions): Promise<TtsModel> {
  const model = await loadModel(speech, options);
  return { ...model, speak: (texts) => runWhole(model.run, texts) };
}

function cast(manifest: Manifest): Cast<SpeechText, TtsPart, TtsOutcome, TtsAbilities> {
  const section = readSection(manifest, "tts", ttsSectionSchema, speech.setting);
  const { operations, voices, instructions, defaultVoice } = section;
  return {
    abilities: { sampleRate: manifest.sampleRate, operations, voices, instructions },
    // A voice to imitate is not at hand.
    warmUp: operations.some((operation) => operation !== "voice_clone") ? warmUpText(defaultVoice) : undefined,
    adapt: (pass) =>
      adaptPass(pass, {
        open(text: SpeechText): { row: SpeechText } | { outcome: TtsOutcome } {
          const failure = refusal(manifest, section, text);
          if (failure !== undefined) return { outcome: { ok: false, failure } };
          return { row: { ...text, voice: text.voice ?? defaultVoice } };
        },
        part: (part: TtsPart) => part,
        outcome: (outcome: TtsOutcome) => outcome,
      }),
  };
}

/** What the model cannot do for this text, if anything. */
function refusal(manifest: Manifest, section: TtsSection, asked: SpeechText): Failure | undefined {
  const { name, languages } = manifest;
  const { text, voice, language, instructions, reference, speed } = asked;
  if (text.trim() === "") return { code: "text_empty", message: "The text is empty.", param: "text" };
  if (reference !== undefined && !section.operations.includes("voice_clone")) {
    return { code: "operation_unavailable", message: `${name} cannot imitate a voice.`, param: "ref_audio" };
  }
  if (instructions.trim() !== "" && !section.instructions) {
    return {
      code: "instructions_unsupported",
      message: `${name} does not follow instructions: leave them out.`,
      param: "instructions",
    };
  }
  if (voice !== undefined && !section.voices.some(({ id }) => id === voice)) {
    const known = section.voices.map(({ id }) => id).join(", ");
    return { code: "voice_unknown", message: `${name} has no voice ${voice}: it has ${known}.`, param: "voice" };
  }
  if (language !== "auto" && !languages.includes(language)) {
    return {
      code: "language_unsupported",
      message: `${name} does not speak ${language}: it speaks ${languages.join(", ")}.`,
      param: "language",
    };
  }
  if (!(speed >= SPEEDS.slowest && speed <= SPEEDS.fastest)) {
    return {
      code: "validation_failed",
      message: `The speed is ${speed}: it goes from ${SPEEDS.slowest} to ${SPEEDS.fastest}.`,
      param: "speed",
    };
  }
  return undefined;
}

function warmUpText(voice: string | undefined): SpeechText {
  return { text: "One.", language: "auto", voice, instructions: "", reference: undefined, seed: 0, speed: 1 };
}
