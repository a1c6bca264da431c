/** How codes are drawn: as a checkpoint's `generation_config.json` says, or the defaults of the official package. */
import { draw, likeliest, processScores } from "@parlance/generation";
import * as z from "zod";

const temperature = z.number().nonnegative().default(0.9);
const topK = z.number().int().nonnegative().default(50);

export const samplingSchema = z.object({
  /** Of a frame's first code; 0: the likeliest is taken, always. */
  temperature,
  /** 0: any code. */
  topK,
  topP: z.number().positive().max(1).default(1),
  /** Of first codes, over those that the row has said. */
  repetitionPenalty: z.number().positive().default(1.05),
  /** Of the codes behind the first one. */
  predictorTemperature: temperature,
  predictorTopK: topK,
});
export type Sampling = z.infer<typeof samplingSchema>;

export interface FirstCodes {
  /** Ids below this one are sound, all others marks. */
  sounds: number;
  /** The mark that ends a row. */
  end: number;
  /** Ids are below this one. */
  vocabulary: number;
}

/** Frames that a row says at least. */
export const FEWEST_FRAMES = 2;

/** Chooses a frame's first code, or the mark that ends the row, by a number from 0 to below 1. */
export type ChooseFirstCode = (scores: Float32Array, said: readonly number[], at: number) => number;

export function createFirstCodeChooser({ sounds, end, vocabulary }: FirstCodes, sampling: Sampling): ChooseFirstCode {
  const marks = Array.from({ length: vocabulary - sounds }, (_, index) => sounds + index);
  const others = marks.filter((code) => code !== end);
  return (scores, said, at) => {
    const suppressed = said.length < FEWEST_FRAMES ? marks : others;
    const processed = processScores(scores, said, { ...sampling, suppressed });
    return (sampling.temperature === 0 ? likeliest(processed) : draw(processed, at)).token;
  };
}

/** Chooses a code behind the first one by a number from 0 to below 1. */
export type ChooseCode = (scores: Float32Array, at: number) => number;

/** As the project's own graph does: of the likeliest codes, without a look at those before. */
export function createCodeChooser({ predictorTemperature, predictorTopK }: Sampling): ChooseCode {
  const options = { temperature: predictorTemperature, topK: predictorTopK, topP: 1, repetitionPenalty: 1 };
  return (scores, at) => {
    const processed = processScores(scores, [], { ...options, suppressed: [] });
    return (predictorTemperature === 0 ? likeliest(processed) : draw(processed, at)).token;
  };
}

/** Whether a second try by another seed would say something else. */
export function isDrawn({ temperature: first, predictorTemperature }: Sampling): boolean {
  return first > 0 || predictorTemperature > 0;
}
