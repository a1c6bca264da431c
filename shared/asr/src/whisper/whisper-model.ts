/**
 * The `whisper` architecture: every Whisper from tiny to large-v3, English-only and multilingual, 80 or 128 mel bands.
 *
 * Rows are heard, their languages are told, and they are decoded together: with a beam, then, where a text looks wrong,
 * by sampling at rising temperatures, as openai-whisper does; transcriber.ts says how a pass goes. Where times are wanted
 * the text is decoded with timestamps, and the words' times are found in the cross attention. Context and hotwords stand
 * in the prompt as the text that came before, as much of its end as the model was trained with. Windows of live speech are said greedily,
 * once (text-window.ts); they cost as much as 30 s to hear, whatever they have, since the graphs' places are as many.
 *
 * Checked against openai-whisper on small random models (models/recipes/whisper): features, states, languages, tokens, times.
 * Rooms: graphs/ (each layout behind one interface), search/ (how a text is looked for), words/ (their times), text/ (tokens).
 * State: the graphs' sessions, and arrays of passes that have ended.
 */
import { type Failure, SAMPLE_RATE } from "@parlance/contracts";
import { adaptPass } from "@parlance/inference";
import { canTranslate } from "../abilities.ts";
import { wholeStretch } from "../stretches.ts";
import type { ArchitectureContext, AsrArchitecture, AsrOutcome, AsrPart, AsrResult, AsrSegment } from "../types.ts";
import { silentWindow, textWindow } from "../windows/memory.ts";
import { type OpenedWhisper, openWhisper } from "./open-whisper.ts";
import { phraseBeyond } from "./search/phrases.ts";
import { languageCode, languageName } from "./text/languages.ts";
import { contextTokens, longestContext, roomBehind } from "./text/prompt.ts";
import { orderedWords, textStretches } from "./text/text-stretches.ts";
import { tokenScores } from "./text/token-scores.ts";
import type { Vocabulary } from "./text/vocabulary.ts";
import { hearWindow, whisperWindow } from "./text-window.ts";
import type { WhisperPart, WhisperResult, WhisperRow } from "./transcriber.ts";

export const whisperArchitecture: AsrArchitecture = {
  name: "whisper",
  async load(context) {
    const whisper = await openWhisper(context);
    return {
      computeType: whisper.graphs.computeType,
      refills: whisper.graphs.refills,
      run: (pass) =>
        whisper.transcribe(
          adaptPass(pass, {
            open: (segment) => prepare(segment, context, whisper),
            // A space follows every word of the part: it is whole, and need not be held back.
            part: ({ text, spaced, language }: WhisperPart, segment): AsrPart => ({
              text: spaced ? `${text} ` : text,
              language: textLanguage(language, segment),
            }),
            outcome: (result: WhisperResult, segment): AsrOutcome => ({
              ok: true,
              result: toAsrResult(result, segment, whisper.vocabulary),
            }),
          }),
        ),
      close: () => whisper.graphs.close(),
    };
  },
};

/** The row of a segment, or what comes of it without the model. */
function prepare(
  segment: AsrSegment,
  context: ArchitectureContext,
  whisper: OpenedWhisper,
): { outcome: AsrOutcome } | { row: WhisperRow } {
  const { manifest } = context;
  const { samples, language, timestamps, translate, temperature } = segment;
  const refuse = (failure: Failure) => ({ outcome: { ok: false, failure } as const });
  const code = languageCode(whisper.vocabulary, language);
  const known = manifest.languages.includes(language) && (code !== undefined || !whisper.vocabulary.multilingual);
  if (language !== "auto" && !known) {
    const message = `${manifest.name} does not know ${language}: it knows ${manifest.languages.join(", ")}.`;
    return refuse({ code: "language_unsupported", message, param: "language" });
  }
  if (translate === true && !(whisper.vocabulary.multilingual && canTranslate(manifest))) {
    const message = `translate: ${manifest.name} was not trained to translate.`;
    return refuse({ code: "validation_failed", message, param: "translate" });
  }
  const { maxSegmentSeconds } = manifest.limits;
  if (samples.length > maxSegmentSeconds * SAMPLE_RATE) {
    const seconds = (samples.length / SAMPLE_RATE).toFixed(1);
    const message = `A segment has ${seconds} s; ${manifest.name} takes at most ${maxSegmentSeconds} s.`;
    return refuse({ code: "audio_too_long", message });
  }
  const longest = longestContext(whisper.section.positions);
  const hotwords = contextTokens(whisper.vocabulary, "", segment.hotwords, Number.POSITIVE_INFINITY).length;
  if (hotwords > longest) {
    const message = `hotwords: ${hotwords} tokens, ${manifest.name} takes at most ${longest}.`;
    return refuse({ code: "validation_failed", message, param: "hotwords" });
  }
  const said = contextTokens(whisper.vocabulary, segment.context ?? "", segment.hotwords, longest);
  const room = roomBehind(whisper.vocabulary, said.length, whisper.section.positions);
  const beyond = phraseBeyond(room, segment.phrases, whisper.vocabulary.encode);
  if (beyond !== undefined) {
    const message = `phrases: ${JSON.stringify(beyond)} has more than the ${room} tokens that ${manifest.name} has room for.`;
    return refuse({ code: "validation_failed", message, param: "phrases" });
  }
  if (samples.length === 0) {
    return { outcome: { ok: true, result: nothing(segment, language === "auto" ? "" : language) } };
  }
  const { phrases } = segment;
  const window = whisperWindow(segment, whisper.vocabulary);
  const spoken = code ?? window?.language;
  const wishes = { timestamps, context: said, phrases, translate, temperature };
  return { row: { samples, language: spoken, ...wishes, window: window !== undefined } };
}

/** Of the text, by the code of what was heard. */
function textLanguage(code: string, { translate }: AsrSegment): string {
  return translate === true ? "English" : languageName(code);
}

function toAsrResult(result: WhisperResult, segment: AsrSegment, vocabulary: Vocabulary): AsrResult {
  const window = whisperWindow(segment, vocabulary);
  if (window !== undefined) {
    return hearWindow(window, result, segment, segment.language !== "auto" || !vocabulary.multilingual);
  }
  const language = textLanguage(result.language, segment);
  const { text, logProbability: score, tokens, scores } = result;
  if (result.silence || text === "") return nothing(segment, language);
  const seconds = segment.samples.length / SAMPLE_RATE;
  const common = { text, language, score, truncated: !result.finished };
  // A phrase is the caller's own: its spelling is not what was said to the model.
  if (segment.phrases.length > 0)
    return { ...common, words: [], stretches: wholeStretch({ ...result, seconds, score }) };
  const segments = orderedWords(result.segments, seconds);
  const words = segments.flatMap((each) => each.words);
  return {
    ...common,
    words: words.map(({ start, end, text: word, probability }) => ({
      ...{ start, end, text: word, confidence: Math.min(1, Number(probability.toFixed(4))) },
    })),
    stretches: textStretches({ ...result, segments, seconds }, vocabulary),
    ...(segment.logprobs === true && { tokens: tokenScores(tokens, scores, vocabulary) }),
  };
}

function nothing(segment: AsrSegment, language: string): AsrResult {
  const { logprobs } = segment;
  const told = { language, score: null, truncated: false };
  const window = textWindow(segment);
  if (window !== undefined) return silentWindow(window, told);
  const empty = { ...told, text: "", words: [], stretches: [] };
  return logprobs === true ? { ...empty, tokens: [] } : empty;
}
