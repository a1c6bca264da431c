/**
 * Tokens that are never said: control tokens, and symbols that stand for sounds and speakers instead of speech
 * ("♪", "(", "[" …), as openai-whisper chooses them from its vocabulary.
 */
import type { Vocabulary } from "../text/vocabulary.ts";

const symbols = [
  ...'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
  ..."<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪".split(" "),
];
/** Symbols of which the first of several tokens is suppressed: it is shared by nothing that is said. */
const musical = [..."♩♪♫♬♭♮♯"];

/** Words, by openai-whisper's `non_speech_tokens`. */
export function nonSpeechTokens(encode: (text: string) => number[]): number[] {
  const found = new Set<number>();
  for (const text of [" -", " '"]) found.add(encode(text)[0] ?? 0);
  for (const symbol of [...symbols, ...musical]) {
    for (const text of [symbol, ` ${symbol}`]) {
      const tokens = encode(text);
      if (tokens[0] !== undefined && (tokens.length === 1 || musical.includes(symbol))) found.add(tokens[0]);
    }
  }
  return [...found].sort((a, b) => a - b);
}

export interface Suppression {
  /** One number a word, 0 or -Infinity: added to the words' scores. */
  words: Float32Array;
  /** The same for a text's first token, which is no blank. */
  firstWords: Float32Array;
  /** The same for a token that begins a word where all that was said before are whole ones; made when it is first asked for. */
  nextWords(): Float32Array;
  /** Control tokens that are never said, by id. */
  controls: ReadonlySet<number>;
}

/** `configured`: the list that a model brings instead of the official one. */
export function createSuppression(vocabulary: Vocabulary, configured?: readonly number[]): Suppression {
  const { control } = vocabulary;
  const suppressed = new Set([
    ...(configured ?? nonSpeechTokens(vocabulary.encode)),
    ...[control.transcribe, control.translate, control.startOfTranscript],
    ...[control.startOfPrevious, control.startOfLm, control.noSpeech],
  ]);
  const words = new Float32Array(control.endOfText);
  for (const token of suppressed) if (token < words.length) words[token] = Number.NEGATIVE_INFINITY;
  const firstWords = words.slice();
  for (const token of vocabulary.encode(" ")) firstWords[token] = Number.NEGATIVE_INFINITY;
  let nextWords: Float32Array | undefined;
  return {
    ...{ words, firstWords },
    nextWords() {
      const space = " ".charCodeAt(0);
      nextWords ??= words.map((bias, token) =>
        vocabulary.bytesOf(token)[0] === space ? bias : Number.NEGATIVE_INFINITY,
      );
      return nextWords;
    },
    controls: new Set([...suppressed].filter((token) => token >= control.endOfText)),
  };
}
