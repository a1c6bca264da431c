/** What can be spoken at the moment: asked of the tts workers, so that a caller hears at once what no model could do. */
import { type Bus, knowWorkers } from "@parlance/bus";
import {
  abilityProblem,
  restNames,
  type SpeechAbilities,
  SpeechError,
  type SpeechFieldNames,
  type SpeechWishes,
  servedModels,
  speechProblem,
} from "@parlance/contracts";
import { scriptProblem, spokenProblem } from "@parlance/tts/text";

export interface SpeakingWishes extends SpeechWishes {
  /** English name, or `auto`. */
  language: string;
}

export interface SpeechModels {
  /** What the models of the tts workers can do, as those said last; empty as long as none ever answered. */
  workers(): Promise<readonly SpeechAbilities[]>;
}

export function createSpeechModels(bus: Bus): SpeechModels {
  const known = knowWorkers({ bus, family: "tts" });
  return { workers: async () => servedModels(await known()) };
}

/**
 * Throws what keeps a text from being spoken, naming the field: the rules of the operation first, then whether the text can
 * be said, then what the workers can do and read. Without any worker the last is left open.
 */
export function requireSpeakable(
  wishes: SpeakingWishes,
  workers: readonly SpeechAbilities[],
  names: SpeechFieldNames = restNames,
): void {
  const problem =
    speechProblem(wishes, names) ??
    unspeakable(spokenProblem(wishes.text), names) ??
    abilityProblem(wishes, workers, names) ??
    unspeakable(scriptProblem(wishes.text, workers), names);
  if (problem !== undefined) throw problem;
}

function unspeakable(problem: string | undefined, names: SpeechFieldNames): SpeechError | undefined {
  if (problem === undefined) return undefined;
  return new SpeechError("text_unspeakable", `${names.text}: ${problem}`, { param: names.text });
}

/** Throws `operation_unavailable` when this installation does not speak. */
export function requireSpeech(settings: { ENABLE_TTS: boolean }): void {
  if (!settings.ENABLE_TTS) throw new SpeechError("operation_unavailable", "Speaking is switched off (ENABLE_TTS).");
}
