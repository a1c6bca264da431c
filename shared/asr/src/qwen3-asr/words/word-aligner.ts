/**
 * The forced aligner: audio and the words that were heard go in, each word followed by two time slots; one pass, without
 * any token by token, tells the class of each slot: steps of 80 ms from the segment's beginning.
 */
import type { Word } from "@parlance/contracts";
import { makePromptBatch, type PromptRow, promptPositions, similarRows } from "@parlance/generation";
import { createSession, integerOutput, type SessionOptions } from "@parlance/inference";
import type { AsrOutcome, AsrSegment } from "../../types.ts";
import { createAudioEncoder } from "../audio/audio-encoder.ts";
import { expandAudio, vectorInputs } from "../prompt/prompt.ts";
import type { PromptTokenizer } from "../prompt/prompt-tokenizer.ts";
import { alignmentWords } from "./alignment-words.ts";
import { repairTimes } from "./time-repair.ts";

export interface WordAligner {
  /** Writes words into the results of rows that want them and whose language the aligner knows. */
  addWords(segments: readonly AsrSegment[], outcomes: readonly AsrOutcome[]): Promise<void>;
  close(): Promise<void>;
}

export interface WordAlignerOptions extends SessionOptions {
  graphOf: (role: string) => string;
  hidden: number;
  millisecondsPerClass: number;
  /** English names. */
  languages: readonly string[];
  tokenizer: PromptTokenizer;
}

const slots = "<timestamp><timestamp>";

export async function loadWordAligner(options: WordAlignerOptions): Promise<WordAligner> {
  const { graphOf, hidden, millisecondsPerClass, tokenizer } = options;
  const { timestampToken } = tokenizer;
  if (timestampToken === undefined) throw new TypeError("the tokenizer has no <timestamp>: the aligner needs it");
  const languages = new Set(options.languages);
  const encoder = await createAudioEncoder({ ...options, graph: graphOf("alignerEncoder") });
  const session = await createSession(graphOf("alignerDecoder"), options).catch(async (error: unknown) => {
    await encoder.close();
    throw error;
  });

  /** Repaired milliseconds of every slot, row by row. */
  async function slotTimes(rows: readonly PromptRow[]): Promise<number[][]> {
    const times: number[][] = [];
    for (const group of similarRows(rows)) {
      const members = group.flatMap((row) => rows[row] ?? []);
      const { places, inputs } = makePromptBatch(members, { hidden, padToken: tokenizer.padToken, vectorInputs });
      const outputs = await session.run({ ...inputs, positions: promptPositions(members, places) });
      const classes = integerOutput(outputs, "classes");
      for (const [index, row] of group.entries()) {
        const { tokens = [] } = rows[row] ?? {};
        const from = (index + 1) * places - tokens.length;
        const said = [...tokens.keys()].filter((place) => tokens[place] === timestampToken);
        times[row] = repairTimes(said.map((place) => (classes[from + place] ?? 0) * millisecondsPerClass));
      }
    }
    return times;
  }

  return {
    async addWords(segments, outcomes) {
      const jobs = segments.flatMap(({ samples, timestamps }, row) => {
        const outcome = outcomes[row];
        if (!timestamps || outcome?.ok !== true || !languages.has(outcome.result.language)) return [];
        const words = alignmentWords(outcome.result.text, outcome.result.language);
        return words.length === 0 ? [] : [{ samples, words, result: outcome.result }];
      });
      if (jobs.length === 0) return;
      const embeddings = await encoder.encode(jobs.map(({ samples }) => samples));
      const rows = jobs.map(({ words }, index): PromptRow => {
        const audio = embeddings[index] ?? new Float32Array();
        const text = `<|audio_start|><|audio_pad|><|audio_end|>${words.map((word) => word + slots).join("")}`;
        const { tokens, vectorsFrom } = expandAudio(tokenizer, text, audio.length / hidden);
        return { tokens, vectors: audio, vectorsFrom, budget: 0 };
      });
      const times = await slotTimes(rows);
      for (const [index, { words, result }] of jobs.entries()) {
        const milliseconds = times[index] ?? [];
        result.words = words.map(
          (text, word): Word => ({
            text,
            start: (milliseconds[2 * word] ?? 0) / 1000,
            end: (milliseconds[2 * word + 1] ?? 0) / 1000,
          }),
        );
      }
    },
    async close() {
      await session.close();
      await encoder.close();
    },
  };
}
