/** From the generic passes of the engine process to a text-to-speech model, and back. */
import { abilityProblem } from "@parlance/contracts";
import type { EngineJob, EngineModel, EngineOutcome } from "@parlance/inference";
import type { SpeechText, TtsModel } from "@parlance/tts";
import { referenceOf, textMetaSchema } from "./text-job.ts";

/**
 * The model refuses rows that ask for a voice, a language or anything else that it has not; an operation is not its to know, so
 * that is told here. Whatever is refused, the others of the pass are one forward pass of the model.
 */
export function createSpeechEngine(model: TtsModel): EngineModel {
  const { description } = model;
  const abilities = { model: description.name, operations: description.operations };

  function refuse({ meta }: EngineJob): EngineOutcome | undefined {
    const { operation } = textMetaSchema.parse(meta);
    const asked = { operation, voice: undefined, instructions: "", language: "auto" };
    const problem = abilityProblem(asked, [abilities]);
    return problem && { ok: false, failure: problem.toFailure() };
  }

  return {
    description: { ...description, voices: description.voices.map((voice) => ({ ...voice })) },
    async run(jobs) {
      const refused = jobs.map(refuse);
      const spoken = await speak(jobs.filter((_, row) => refused[row] === undefined));
      return refused.map((outcome) => outcome ?? spoken.shift() ?? nothingSaid);
    },
  };

  async function speak(jobs: readonly EngineJob[]): Promise<EngineOutcome[]> {
    if (jobs.length === 0) return [];
    const outcomes = await model.speak(jobs.map(toText));
    return outcomes.map((outcome): EngineOutcome => {
      if (!outcome.ok) return outcome;
      const { samples, truncated } = outcome.result;
      return {
        ok: true,
        meta: { sampleRate: description.sampleRate, truncated },
        payload: new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength),
      };
    });
  }
}

const nothingSaid: EngineOutcome = {
  ok: false,
  failure: { code: "engine_failed", message: "The model gave fewer outcomes than it was given texts." },
};

function toText({ meta, payload }: EngineJob): SpeechText {
  const { text, language, voice, instructions, speed, referenceText } = textMetaSchema.parse(meta);
  return { text, language, voice, instructions, speed, reference: referenceOf(payload, referenceText) };
}
