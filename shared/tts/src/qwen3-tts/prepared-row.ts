/** A row before its first frame: what it asks for as the talker takes it, how long it may be, or why it cannot be said. */
import { type Failure, type Manifest, REFERENCE_SECONDS } from "@parlance/contracts";
import type { GiveWay } from "@parlance/generation";
import { spokenProblem } from "../text/index.ts";
import type { SpeechText, VoiceReference } from "../types.ts";
import type { CodecStream } from "./codec/codec-decoder.ts";
import type { EncodedReference } from "./codec/reference-encoder.ts";
import type { ModelParts } from "./model-parts.ts";
import { buildPrompt, type TextLayout } from "./prompt/prompt.ts";
import { frameBudget, repeatedFrames } from "./stopping/frame-budget.ts";

export interface PreparedRow {
  /** [places, hidden] */
  prompt: Float32Array;
  /** [frames, hidden]: of the text that stands at the frames to come. */
  trailing: Float32Array;
  seed: number;
  /** Frames that it may take. */
  budget: number;
  /** For which the text itself repeats something. */
  repeatedFrames: number;
  /** Where the codec goes on: from the beginning, or behind a reference. */
  beginSound(giveWay: GiveWay): Promise<CodecStream>;
}

export async function prepareRow(
  parts: ModelParts,
  manifest: Manifest,
  row: SpeechText,
  giveWay: GiveWay,
  layout: TextLayout = "text_first",
): Promise<PreparedRow | Failure> {
  const { tokenizer, section, sumPlaces, decoder } = parts;
  const text = tokenizer.clean(row.text);
  const problem = spokenProblem(text);
  if (problem !== undefined) return { code: "text_unspeakable", message: problem, param: "text" };
  const speaker = section.kind === "custom_voice" ? section.speakers[row.voice ?? ""] : undefined;
  if (section.kind === "custom_voice" && speaker === undefined) {
    return { code: "voice_unknown", message: `${manifest.name} has no voice ${row.voice ?? ""}.`, param: "voice" };
  }
  const language = languageToken(parts, row.language, speaker?.dialect);
  if (typeof language === "string") return { code: "language_unsupported", message: language, param: "language" };
  const imitated = await imitate(parts, manifest, row.reference, giveWay);
  if (imitated !== undefined && "code" in imitated) return imitated;

  const { places, trailing } = buildPrompt(parts.marks, {
    instructions: tokenizer.instructions(tokenizer.clean(row.instructions)),
    ...tokenizer.said(text),
    language,
    voice: imitated?.encoded.voice ?? speaker?.token,
    reference:
      imitated?.said === undefined
        ? undefined
        : { text: tokenizer.reference(imitated.said), frames: imitated.encoded.frames },
    layout,
  });
  const mostFrames = Math.floor(
    (manifest.limits.maxSegmentSeconds * manifest.sampleRate) / section.codec.samplesPerFrame,
  );
  return {
    prompt: await sumPlaces(places),
    trailing: await sumPlaces(trailing.map((token) => ({ text: token }))),
    seed: row.seed,
    budget: frameBudget(text, section.allowance, mostFrames),
    repeatedFrames: repeatedFrames(text, section.allowance),
    async beginSound(way) {
      return decoder.begin(imitated?.said === undefined ? undefined : await imitated.encoded.state(way));
    },
  };
}

/** Undefined: the model tells. A sentence: it does not speak this one. */
function languageToken(
  { section }: ModelParts,
  language: string,
  dialect: string | undefined,
): number | undefined | string {
  const spoken = dialect !== undefined && (language === "auto" || language === "Chinese");
  if (spoken && section.dialectTokens[dialect] !== undefined) return section.dialectTokens[dialect];
  if (language === "auto") return undefined;
  const known = Object.keys(section.languageTokens);
  return section.languageTokens[language] ?? `The model does not speak ${language}: it speaks ${known.join(", ")}.`;
}

/** What is taken of a reference: its sound, and with what is said in it its frames. Undefined where none is asked for. */
async function imitate(
  { references, tokenizer, section }: ModelParts,
  { name, sampleRate }: Manifest,
  reference: VoiceReference | undefined,
  giveWay: GiveWay,
): Promise<{ encoded: EncodedReference; said: string | undefined } | Failure | undefined> {
  if (section.kind !== "base") return undefined;
  if (reference === undefined || references === undefined) {
    return {
      code: "validation_failed",
      message: `${name} imitates a voice: send a recording of it.`,
      param: "ref_audio",
    };
  }
  const seconds = reference.samples.length / reference.sampleRate;
  if (seconds < REFERENCE_SECONDS.shortest) {
    const message = `The reference has ${seconds.toFixed(2)} s: at least ${REFERENCE_SECONDS.shortest} s are needed.`;
    return { code: "reference_too_short", message, param: "ref_audio" };
  }
  if (seconds > REFERENCE_SECONDS.longest) {
    const message = `The reference has ${seconds.toFixed(0)} s: at most ${REFERENCE_SECONDS.longest} s are taken.`;
    return { code: "reference_too_long", message, param: "ref_audio" };
  }
  const said = reference.text === undefined ? undefined : tokenizer.clean(reference.text);
  const nothing = said === undefined ? undefined : spokenProblem(said);
  if (nothing !== undefined) {
    const message = `What is said in the reference cannot be: ${nothing}`;
    return { code: "validation_failed", message, param: "ref_text" };
  }
  if (said !== undefined && !references.takesWords) {
    const message = `${name} hears a recording's sound alone: leave out what is said in it (x_vector_only_mode).`;
    return { code: "validation_failed", message, param: "ref_text" };
  }
  const most = (references.mostSamples ?? Number.POSITIVE_INFINITY) / sampleRate;
  if (said !== undefined && seconds > most) {
    const message = `The reference has ${seconds.toFixed(1)} s: with what is said in it ${name} takes ${most.toFixed(0)} s at most.`;
    return { code: "reference_too_long", message, param: "ref_audio" };
  }
  return { encoded: await references.encode(reference, giveWay), said };
}
