/**
 * What may be asked of a text that is to be spoken: the rules that hold for every model, and those that follow from what the
 * workers say they can do. Pure, and the same for REST and for plain NATS: only the names of the fields differ.
 */
import { modelsFor } from "@parlance/catalogue";
import { type ErrorCode, SpeechError } from "../errors/errors.ts";
import type { WorkerState } from "../messages/worker-state.ts";
import { isStoredVoice } from "../voices/stored-voices.ts";
import { familyOf, type Operation, operations, speechFormats } from "../words/words.ts";

/** Unicode characters of one item's text. */
export const MAX_TEXT_CHARACTERS = 4_096;

export const speechOperations = operations.filter((operation) => familyOf[operation] === "tts");

export interface SpeechWishes {
  operation: Operation;
  text: string;
  voice: string | undefined;
  instructions: string;
  /** Whether there is a recording to clone. */
  hasReference: boolean;
  /** What is said in it. */
  referenceText: string;
  xVectorOnly: boolean;
}

/** What the caller calls the fields. */
export interface SpeechFieldNames {
  text: string;
  voice: string;
  instructions: string;
  reference: string;
  referenceText: string;
  format: string;
  operation: string;
  language: string;
}

/** As the REST queue has them, and so a submission over NATS. */
export const restNames: SpeechFieldNames = {
  text: "text",
  voice: "voice",
  instructions: "instructions",
  reference: "ref_audio",
  referenceText: "ref_text",
  format: "response_format",
  operation: "operation",
  language: "language",
};

/** The names with a prefix, for a field that lies inside another: `items.3.`. */
export function namesUnder(prefix: string, names: SpeechFieldNames = restNames): SpeechFieldNames {
  return {
    text: prefix + names.text,
    voice: prefix + names.voice,
    instructions: prefix + names.instructions,
    reference: prefix + names.reference,
    referenceText: prefix + names.referenceText,
    format: prefix + names.format,
    operation: prefix + names.operation,
    language: prefix + names.language,
  };
}

/** Why no model could be asked for this, or undefined. Whether the text can be said at all is @parlance/tts's to tell. */
export function speechProblem(wishes: SpeechWishes, names: SpeechFieldNames = restNames): SpeechError | undefined {
  const { operation, text, voice, instructions, hasReference, referenceText } = wishes;
  if (text.trim() === "") return problem("text_empty", names.text, "is required to speak");
  const characters = countCharacters(text);
  if (characters > MAX_TEXT_CHARACTERS) {
    return problem("text_too_long", names.text, `has ${characters} characters, more than ${MAX_TEXT_CHARACTERS}`);
  }
  if (operation === "voice_clone") {
    const fault = voice === undefined ? recordingProblem(wishes, names) : storedVoiceProblem(voice, wishes, names);
    if (fault !== undefined) return fault;
    if (instructions !== "")
      return problem("instructions_unsupported", names.instructions, "cannot be followed by a cloned voice");
  } else {
    if (hasReference)
      return problem("validation_failed", names.reference, `is not for ${operation}, only for voice_clone`);
    if (referenceText !== "")
      return problem("validation_failed", names.referenceText, `is not for ${operation}, only for voice_clone`);
  }
  if (operation === "voice_design" && instructions.trim() === "") {
    return problem("validation_failed", names.instructions, "are required: they describe the voice to design");
  }
  if (operation === "voice_design" && voice !== undefined) {
    return problem("validation_failed", names.voice, "is not for voice_design: instructions describe the voice");
  }
  return undefined;
}

/** Of a recording that is sent along: its text is half of what a model imitates it by. */
function recordingProblem(wishes: SpeechWishes, names: SpeechFieldNames): SpeechError | undefined {
  const { hasReference, referenceText, xVectorOnly } = wishes;
  if (!hasReference)
    return problem(
      "validation_failed",
      names.reference,
      `is required to clone a voice, or ${names.voice}, a stored one`,
    );
  return xVectorOnly ? undefined : referenceTextProblem(referenceText, names.referenceText);
}

/** What is said in a recording, where that is needed: blank is no text. */
export function referenceTextProblem(referenceText: string, name: string): SpeechError | undefined {
  if (referenceText.trim() !== "") return undefined;
  const message =
    "send what is said in the recording, word for word, or x_vector_only_mode: true to imitate its sound alone";
  return problem("reference_text_missing", name, message);
}

/** All that there is to a stored voice is stored with it. */
function storedVoiceProblem(
  voice: string,
  { hasReference, referenceText, xVectorOnly }: SpeechWishes,
  names: SpeechFieldNames,
): SpeechError | undefined {
  if (!isStoredVoice(voice)) {
    const message = "is not the id of a stored voice (POST /v1/audio/voices), which voice_clone speaks with";
    return problem("voice_unknown", names.voice, message);
  }
  if (hasReference)
    return problem("validation_failed", names.voice, `is a voice, and ${names.reference} another: send one of them`);
  if (referenceText !== "" || xVectorOnly)
    return problem("validation_failed", names.referenceText, "is stored with the voice, and x_vector_only_mode too");
  return undefined;
}

/** Unicode characters, as a caller counts them. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Throws `format_unsupported` when speech is not written in this format. */
export function requireFormat(format: string, name: string = restNames.format): (typeof speechFormats)[number] {
  const known = speechFormats.find((each) => each === format);
  if (known !== undefined) return known;
  throw problem(
    "format_unsupported",
    name,
    `is ${JSON.stringify(format)}: speech is written as ${speechFormats.join(", ")}`,
  );
}

/** What a worker says may be asked of its model. */
export type SpeechAbilities = Pick<
  WorkerState,
  "model" | "operations" | "languages" | "voices" | "defaultVoice" | "instructions"
>;

/**
 * Why none of the workers could do what is asked, or undefined. With no workers there is nothing to be said: work may wait for
 * one that is yet to start.
 */
export function abilityProblem(
  wishes: Pick<SpeechWishes, "operation" | "voice" | "instructions"> & { language: string },
  workers: readonly SpeechAbilities[],
  names: SpeechFieldNames = restNames,
): SpeechError | undefined {
  if (workers.length === 0) return undefined;
  const { operation, voice, instructions, language } = wishes;
  const able = workers.filter((worker) => worker.operations?.includes(operation));
  if (able.length === 0) {
    const loaded = [...new Set(workers.map(({ model }) => model))].join(", ");
    const others = modelsFor[operation]?.join(", ");
    return problem(
      "operation_unavailable",
      names.operation,
      `${loaded} cannot do ${operation}; ${others === undefined ? "no model that can be loaded here does" : `${others} could`}`,
    );
  }
  const speaking = able.filter(({ languages }) => language === "auto" || (languages?.includes(language) ?? true));
  if (speaking.length === 0)
    return problem("language_unsupported", names.language, `${modelsOf(able)} does not speak ${language}`);
  const voiced = speaking.filter(
    (worker) =>
      voice === undefined || operation === "voice_clone" || (worker.voices?.some(({ id }) => id === voice) ?? true),
  );
  if (voiced.length === 0) {
    const voices = [...new Set(speaking.flatMap((worker) => worker.voices?.map(({ id }) => id) ?? []))];
    return problem("voice_unknown", names.voice, `is not one of ${voices.join(", ")}`);
  }
  const obedient = voiced.filter(
    (worker) => instructions === "" || operation === "voice_design" || worker.instructions !== false,
  );
  if (obedient.length > 0) return undefined;
  return problem("instructions_unsupported", names.instructions, `${modelsOf(voiced)} does not follow instructions`);
}

function modelsOf(workers: readonly SpeechAbilities[]): string {
  return [...new Set(workers.map(({ model }) => model))].join(", ");
}

function problem(code: ErrorCode, param: string, message: string): SpeechError {
  return new SpeechError(code, `${param}: ${message}`, { param });
}
