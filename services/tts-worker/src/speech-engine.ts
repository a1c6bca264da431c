/** From the generic passes of the engine process to a text-to-speech model, and back. */
import { abilityProblem } from "@parlance/contracts";
import { adaptPass, type EngineJob, type EngineModel, type EngineOutcome } from "@parlance/inference";
import type { SpeechText, TtsModel, TtsOutcome, TtsPart } from "@parlance/tts";
import { referenceOf, textMetaSchema } from "./text-job.ts";

/**
 * The model refuses rows that ask for a voice, a language or anything else that it has not; an operation is not its to know, so
 * that is told here. Whatever is refused, the others of the pass are one forward pass of the model.
 */
export function createSpeechEngine(model: TtsModel): EngineModel {
  const { description } = model;
  const abilities = { model: description.name, operations: description.operations };

  function open(job: EngineJob): { row: SpeechText } | { outcome: EngineOutcome } {
    const { operation } = textMetaSchema.parse(job.meta);
    const asked = { operation, voice: undefined, instructions: "", language: "auto" };
    const problem = abilityProblem(asked, [abilities]);
    return problem ? { outcome: { ok: false, failure: problem.toFailure() } } : { row: toText(job) };
  }

  return {
    description: { ...description, voices: description.voices.map((voice) => ({ ...voice })) },
    run: (pass) =>
      model.run(
        adaptPass(pass, {
          open,
          part: ({ samples }: TtsPart) => ({
            meta: { sampleRate: description.sampleRate },
            payload: bytesOf(samples),
          }),
          outcome(outcome: TtsOutcome): EngineOutcome {
            if (!outcome.ok) return outcome;
            const { samples, truncated } = outcome.result;
            return {
              ok: true,
              meta: { sampleRate: description.sampleRate, truncated },
              payload: bytesOf(samples),
            };
          },
        }),
      ),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function toText({ meta, payload }: EngineJob): SpeechText {
  const { operation: _, reference, voice, ...said } = textMetaSchema.parse(meta);
  return { ...said, voice, reference: referenceOf(payload, reference) };
}
