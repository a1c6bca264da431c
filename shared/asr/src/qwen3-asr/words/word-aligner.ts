/**
 * The forced aligner: audio and the words that were heard go in, each word followed by two time slots; one pass, without
 * any token by token, tells the class of each slot: steps of 80 ms from the segment's beginning.
 */
import type { Word } from "@parlance/contracts";
import { type GiveWay, makePromptBatch, type PromptRow, promptPositions } from "@parlance/generation";
import { createPiecedSession, integerOutput, type SessionOptions } from "@parlance/inference";
import { createAudioEncoder } from "../audio/audio-encoder.ts";
import { expandAudio, vectorInputs } from "../prompt/prompt.ts";
import type { PromptTokenizer } from "../prompt/prompt-tokenizer.ts";
import { alignmentWords } from "./alignment-words.ts";
import { repairTimes } from "./time-repair.ts";

export interface WordAligner {
  /** With times in seconds; none where there are no words, or where the aligner does not know the language. */
  wordsOf(samples: Int16Array, heard: { text: string; language: string }, giveWay: GiveWay): Promise<Word[]>;
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

/** A CPU takes seconds for a text of half a minute, which is read in one run. */
const PIECES = 14;
const slots = "<timestamp><timestamp>";

export async function loadWordAligner(options: WordAlignerOptions): Promise<WordAligner> {
  const { graphOf, hidden, millisecondsPerClass, tokenizer } = options;
  const { timestampToken } = tokenizer;
  if (timestampToken === undefined) throw new TypeError("the tokenizer has no <timestamp>: the aligner needs it");
  const languages = new Set(options.languages);
  const encoder = await createAudioEncoder({ ...options, graph: graphOf("alignerEncoder") });
  const session = await createPiecedSession(graphOf("alignerDecoder"), options, PIECES).catch(
    async (error: unknown) => {
      await encoder.close();
      throw error;
    },
  );

  /** Repaired milliseconds of every slot. */
  async function slotTimes(prompt: PromptRow, giveWay: GiveWay): Promise<number[]> {
    const { inputs, places } = makePromptBatch([prompt], { hidden, padToken: tokenizer.padToken, vectorInputs });
    const outputs = await session.run({ ...inputs, positions: promptPositions([prompt], places) }, giveWay);
    const classes = integerOutput(outputs, "classes");
    const said = [...prompt.tokens.keys()].filter((place) => prompt.tokens[place] === timestampToken);
    return repairTimes(said.map((place) => (classes[place] ?? 0) * millisecondsPerClass));
  }

  return {
    async wordsOf(samples, { text, language }, giveWay) {
      const words = languages.has(language) ? alignmentWords(text, language) : [];
      if (words.length === 0) return [];
      const [vectors = new Float32Array()] = await encoder.encode([samples], giveWay);
      const written = `<|audio_start|><|audio_pad|><|audio_end|>${words.map((word) => word + slots).join("")}`;
      const prompt = expandAudio(tokenizer, written, vectors.length / hidden);
      const milliseconds = await slotTimes({ ...prompt, vectors, budget: 0 }, giveWay);
      await giveWay();
      return words.map((word, index) => ({
        text: word,
        start: (milliseconds[2 * index] ?? 0) / 1000,
        end: (milliseconds[2 * index + 1] ?? 0) / 1000,
      }));
    },
    async close() {
      await session.close();
      await encoder.close();
    },
  };
}
