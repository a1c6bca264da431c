/** From the generic passes of the engine process to a speech recognition model, and back. */
import type { AsrModel, AsrOutcome, AsrPart, AsrSegment } from "@parlance/asr";
import { adaptPass, type EngineJob, type EngineModel, type EngineOutcome } from "@parlance/inference";
import { segmentMetaSchema } from "./segment-job.ts";

export function createRecognitionEngine(model: AsrModel): EngineModel {
  return {
    description: { ...model.description },
    run: (pass) =>
      model.run(
        adaptPass(pass, {
          open: (job) => ({ row: toSegment(job) }),
          part: ({ text, language }: AsrPart) => ({ meta: language === undefined ? { text } : { text, language } }),
          outcome(outcome: AsrOutcome): EngineOutcome {
            if (!outcome.ok) return outcome;
            const { words, stretches, tokens, heard, ...result } = outcome.result;
            const meta = {
              ...result,
              ...(heard !== undefined && { heard: { ...heard } }),
              words: words.map((each) => ({ ...each })),
              stretches: stretches.map((each) => ({ ...each })),
            };
            return {
              ok: true,
              meta: tokens === undefined ? meta : { ...meta, tokens: tokens.map((each) => ({ ...each })) },
            };
          },
        }),
      ),
  };
}

function toSegment({ meta, payload }: EngineJob): AsrSegment {
  const { window, ...wishes } = segmentMetaSchema.parse(meta);
  const segment = { ...wishes, samples: samplesOf(payload) };
  return window === undefined ? segment : { ...segment, window: { memory: window.memory } };
}

/** [samples] 16 kHz mono, as a view where the bytes are aligned. */
function samplesOf(payload: Uint8Array): Int16Array {
  const aligned = payload.byteOffset % Int16Array.BYTES_PER_ELEMENT === 0 ? payload : payload.slice();
  return new Int16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / Int16Array.BYTES_PER_ELEMENT);
}
