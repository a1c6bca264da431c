/**
 * Qwen3-ASR: an audio encoder whose embeddings stand in the prompt of a Qwen3 decoder, which writes
 * `language English<asr_text>Hello.` token by token; a second, smaller pair of the same kind aligns words with times.
 *
 * Exact against the official implementation with the encoder's windows applied, features of one clip at a time. A row's
 * answer does not depend on the rows beside it. A row may say 15 tokens for each second and 64 more; one that is stopped
 * by that is marked as truncated.
 * State: the sessions; buffers live for a pass.
 */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { PromptRow } from "@parlance/generation";
import { inOneRun } from "@parlance/inference";
import type { AsrArchitecture, AsrOutcome, AsrSegment } from "../types.ts";
import { loadParts, type ModelParts } from "./load-parts.ts";
import { choosePhrase } from "./prompt/phrase-choice.ts";
import { buildPrompt, contextOf } from "./prompt/prompt.ts";
import { parseOutput } from "./prompt/spoken-output.ts";
import { refusal } from "./refusal.ts";

/** Tokens beyond what the audio's length allows. */
const SPARE_TOKENS = 64;

export const qwen3AsrArchitecture: AsrArchitecture = {
  name: "qwen3-asr",
  async load(context) {
    const parts = await loadParts(context);
    if (parts.aligner === undefined) context.options.log("the model has no forced aligner: results have no word times");
    const rowsPerRun = context.manifest.limits.maxBatchSize;
    return {
      computeType: parts.computeType,
      run: inOneRun(async (segments) => {
        const canWeigh = parts.decoder.weigh !== undefined;
        const outcomes = segments.map(
          (segment) => refusal(context.manifest, segment, canWeigh) ?? nothingSaid(segment),
        );
        const accepted = [...segments.entries()].filter(([row]) => outcomes[row]?.ok === true);
        for (let from = 0; from < accepted.length; from += rowsPerRun) {
          const run = accepted.slice(from, from + rowsPerRun);
          const results = await transcribeRows(
            parts,
            run.map(([, segment]) => segment),
          );
          for (const [index, result] of results.entries()) outcomes[run[index]?.[0] ?? 0] = result;
        }
        return outcomes;
      }),
      close: parts.close,
    };
  },
};

async function transcribeRows(parts: ModelParts, segments: readonly AsrSegment[]): Promise<AsrOutcome[]> {
  const { encoder, decoder, tokenizer, aligner, hidden } = parts;
  const embeddings = await encoder.encode(segments.map(({ samples }) => samples));
  const spoken = [...segments.entries()].filter(([row]) => (embeddings[row]?.length ?? 0) > 0);
  const promptOf = (row: number, segment: AsrSegment, language = forcedLanguage(segment)): PromptRow => {
    const audio = embeddings[row] ?? new Float32Array();
    const context = contextOf(tokenizer, segment.hotwords, segment.context);
    const { tokens, vectorsFrom } = buildPrompt(tokenizer, { context, language, audioTokens: audio.length / hidden });
    return { tokens, vectors: audio, vectorsFrom, budget: tokenBudget(segment.samples.length, parts.tokensPerSecond) };
  };
  const decoded = await decoder.decode(spoken.map(([row, segment]) => promptOf(row, segment)));

  const outcomes = segments.map(nothingSaid);
  for (const [index, [row, segment]] of spoken.entries()) {
    const { tokens = [], score = 0, truncated = false } = decoded[index] ?? {};
    const heard = parseOutput(tokenizer.decode(tokens), forcedLanguage(segment));
    const result = { ...heard, words: [], score: heard.text === "" ? null : score, truncated };
    if (segment.phrases.length > 0 && decoder.weigh !== undefined) {
      // In the language that was heard, where one was.
      const prompt = promptOf(row, segment, heard.language === "" ? undefined : heard.language);
      const choice = await choosePhrase(decoder.weigh, tokenizer, prompt, segment.phrases);
      outcomes[row] = { ok: true, result: { ...result, ...choice, truncated: false } };
    } else {
      outcomes[row] = { ok: true, result };
    }
  }
  await aligner?.addWords(segments, outcomes);
  return outcomes;
}

/** Tokens that a clip of so many samples may come to. */
export function tokenBudget(samples: number, tokensPerSecond: number): number {
  return Math.ceil((samples * tokensPerSecond) / SAMPLE_RATE) + SPARE_TOKENS;
}

function forcedLanguage({ language }: AsrSegment): string | undefined {
  return language === "auto" ? undefined : language;
}

/** What comes of a segment that is shorter than one frame. */
function nothingSaid(segment: AsrSegment): AsrOutcome {
  const language = forcedLanguage(segment) ?? "";
  return { ok: true, result: { text: "", language, words: [], score: null, truncated: false } };
}
