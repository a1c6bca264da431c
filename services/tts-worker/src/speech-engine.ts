/** From the generic passes of the engine process to a text-to-speech model, and back. */
import { abilityProblem } from "@parlance/contracts";
import type { EngineJob, EngineModel, EngineOutcome } from "@parlance/inference";
import type { SpeechText, TtsModel } from "@parlance/tts";
import { referenceOf, textMetaSchema } from "./text-job.ts";

/**
 * A row that asks for what the model cannot do (a job that came over NATS, past every gateway) is told so; the others of its
 * pass are one forward pass of the model.
 * @param languages English names of those that the model speaks
 */
export function createSpeechEngine(model: TtsModel, languages: string[]): EngineModel {
  const { description } = model;
  const abilities = { ...description, model: description.name, languages };

  function refuse({ meta }: EngineJob): EngineOutcome | undefined {
    const { operation, voice, instructions, language } = textMetaSchema.parse(meta);
    const problem = abilityProblem({ operation, voice, instructions, language }, [abilities]);
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
