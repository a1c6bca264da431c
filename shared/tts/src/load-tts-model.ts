/**
 * Text-to-speech models behind one interface: a pass of texts in; samples or a clear refusal out, row by row.
 *
 * `loadTtsModel` finds the model's checked files, chooses the device, loads the architecture that the manifest names, and
 * has it say a word, so that the first real pass pays for nothing. It belongs in the engine: a run blocks its thread.
 * Whatever the architecture, what the manifest does not offer (a voice, a language,
 * instructions, imitating a reference) is refused for the row that asks for it and never ignored.
 */
import {
  type Failure,
  type Manifest,
  SPEEDS,
  SpeechError,
  type TtsSection,
  ttsSectionSchema,
} from "@parlance/contracts";
import { adaptPass, chooseDevice, runWhole } from "@parlance/inference";
import { resolveModel } from "@parlance/model-store";
import { architectures } from "./architectures.ts";
import type {
  LoadTtsOptions,
  SpeechText,
  TtsModel,
  TtsModelDescription,
  TtsOutcome,
  TtsPart,
  TtsPass,
} from "./types.ts";

/** Throws a SpeechError with one clear sentence when the model, the device or a file is not what it should be. */
export async function loadTtsModel(options: LoadTtsOptions): Promise<TtsModel> {
  const began = performance.now();
  const { manifest, folder } = await resolveModel(options);
  const checkSeconds = secondsSince(began);
  const architecture = architectures.get(manifest.architecture);
  if (manifest.family !== "tts" || architecture === undefined) {
    throw new SpeechError(
      "validation_failed",
      `model ${manifest.name} is ${manifest.family}/${manifest.architecture}; text to speech has: ${[...architectures.keys()].join(", ")}`,
      { param: "TTS_MODEL_ID" },
    );
  }
  const section = readSection(manifest);
  const device = await chooseDevice(options);
  const loaded = await architecture.load({ manifest, folder, options, device });
  const loadSeconds = secondsSince(began);

  const warmUpBegan = performance.now();
  try {
    if (section.operations.includes("custom_voice")) await runWhole(loaded.run, [warmUpText(manifest)]);
  } catch (error) {
    await loaded.close();
    throw error;
  }
  const description: TtsModelDescription = {
    name: manifest.name,
    architecture: manifest.architecture,
    device: device.name,
    computeType: loaded.computeType,
    cuda: device.provider === "cuda",
    checkSeconds,
    loadSeconds,
    warmUpSeconds: secondsSince(warmUpBegan),
    sampleRate: manifest.sampleRate,
    operations: section.operations,
    voices: section.voices,
    refills: loaded.refills ?? false,
    instructions: section.instructions,
  };
  options.log("model loaded", { ...description });

  const run = (pass: TtsPass) =>
    loaded.run(
      adaptPass(pass, {
        open(text: SpeechText): { row: SpeechText } | { outcome: TtsOutcome } {
          const failure = refusal(manifest, section, text);
          if (failure !== undefined) return { outcome: { ok: false, failure } };
          return { row: { ...text, voice: text.voice ?? section.defaultVoice } };
        },
        part: (part: TtsPart) => part,
        outcome: (outcome: TtsOutcome) => outcome,
      }),
    );
  return { description, run, speak: (texts) => runWhole(run, texts), close: loaded.close };
}

function readSection(manifest: Manifest): TtsSection {
  const parsed = ttsSectionSchema.safeParse(manifest.tts);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = ["tts", ...(issue?.path ?? [])].map(String).join(".");
  throw new SpeechError(
    "validation_failed",
    `manifest of ${manifest.name}: ${field}: ${issue?.message ?? "is not valid"}`,
    { cause: parsed.error, param: "TTS_MODEL_ID" },
  );
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

function warmUpText(manifest: Manifest): SpeechText {
  const { defaultVoice } = readSection(manifest);
  return { text: "One.", language: "auto", voice: defaultVoice, instructions: "", reference: undefined, speed: 1 };
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}
