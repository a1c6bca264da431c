/** A row that says one of a list: the phrases are said to it, some at a time, and it by itself. */
import { compressionRatio } from "../stretches.ts";
import type { PassRows } from "./graphs/decoder.ts";
import type { Attempted } from "./search/attempts.ts";
import { choosePhrase, createLikelihoodSearch } from "./search/phrases.ts";
import { summarise } from "./search/scores.ts";
import type { Prompt } from "./text/prompt.ts";
import type { Vocabulary } from "./text/vocabulary.ts";

export interface PhraseOptions {
  held: PassRows;
  /** Of the row, which was heard. */
  number: number;
  prompt: Prompt;
  phrases: readonly string[];
  vocabulary: Pick<Vocabulary, "control" | "encode">;
}

/** The likeliest phrase in a row's audio; nothing is suppressed. */
export async function sayPhrase({ held, number, prompt, phrases, vocabulary }: PhraseOptions): Promise<Attempted> {
  const { endOfText, noSpeech } = vocabulary.control;
  const bias = new Float32Array(endOfText);
  let noSpeechProbability: number | undefined;
  const choice = await choosePhrase(phrases, vocabulary.encode, async (texts) => {
    const search = createLikelihoodSearch(texts, endOfText);
    const reading = (await held.read(new Map([[number, prompt]]))).get(number);
    if (reading === undefined) throw new RangeError(`row ${number} was not read`);
    const { rest, total } = reading.start;
    noSpeechProbability = Math.exp((rest[noSpeech - endOfText] ?? Number.NEGATIVE_INFINITY) - total);
    let step = search.advance([summarise(reading.first, bias, 1, true)]);
    while (step !== undefined) {
      const answers = await held.step(new Map([[number, step]]), { candidates: 1, allWords: true, bias });
      step = search.advance(answers.get(number) ?? []);
    }
    return search.likelihoods();
  });
  const text = phrases[choice.index] ?? "";
  return {
    ...{ tokens: choice.tokens, scores: [], text, logProbability: choice.logProbability },
    compressionRatio: compressionRatio(text),
    ...{ noSpeechProbability: noSpeechProbability ?? 0, temperature: 0, finished: true, silence: false },
  };
}
