/**
 * Qwen3-ASR: an audio encoder whose embeddings stand in the prompt of a Qwen3 decoder, which writes
 * `language English<asr_text>Hello.` token by token; a second, smaller pair of the same kind aligns words with times.
 *
 * Exact against the official implementation with the encoder's windows applied, features of one clip at a time. A row's
 * answer does not depend on the rows beside it, nor on when it joined them. A row may say 15 tokens for each second and 64
 * more, unless its manifest says otherwise; one that is stopped by that is marked as truncated.
 * Above a temperature of 0 a row's tokens are drawn, by a seed of its audio; where the loop is in the graph (the project's own
 * layout on CUDA) none can be drawn, and the temperature is ignored. A word's confidence is the geometric mean of its tokens'
 * probabilities; of a phrase that was chosen from a list neither tokens nor confidences are told.
 * Windows of live speech go on from what is stable (text-window.ts).
 * A pass gives way between the encoder's runs, parts of prompts, steps and the aligner's runs, tells texts as they grow,
 * and where the graphs can takes in waiting rows between steps.
 * Rooms: audio/ (the encoder), prompt/ (what is asked and how the answer is read), words/ (the aligner), published/ (graphs
 * of others). Decoding itself is `@parlance/generation`.
 * State: the sessions; buffers live for a pass.
 */
import type { AsrArchitecture } from "../types.ts";
import { loadParts } from "./load-parts.ts";
import { transcribePass } from "./transcribe-pass.ts";

export const qwen3AsrArchitecture: AsrArchitecture = {
  name: "qwen3-asr",
  async load(context) {
    const parts = await loadParts(context);
    if (parts.aligner === undefined) context.options.log("the model has no forced aligner: results have no word times");
    return {
      computeType: parts.computeType,
      refills: parts.decoder.refills,
      run: (pass) => transcribePass(parts, context.manifest, pass),
      close: parts.close,
    };
  },
};
