/** A transcript in the shapes of OpenAI's answers. Pure. What is not known is left out: their schemas have no nulls. */
import { languageCodes, type Transcript, type TranscriptSegment, type Word } from "@parlance/contracts";
import type { StreamedEnd, TranscriptionJson, VerboseJson } from "./answer-schemas.ts";
import type { Granularity } from "./openai-forms.ts";
import { segmentTexts } from "./segment-texts.ts";

export interface Heard {
  transcript: Transcript;
  /** Of the audio. */
  seconds: number;
}

/** OpenAI's `json`, with the language's ISO code, and the word times where they were asked for. */
export function transcriptionJson({ transcript, seconds }: Heard, wishes: { timestamps: boolean }): TranscriptionJson {
  const { text, language, timestamps = [], logprobs } = transcript;
  return {
    text,
    language: codesOf(language),
    ...(wishes.timestamps ? { timestamps } : {}),
    ...(logprobs === undefined ? {} : { logprobs }),
    usage: usageOf(seconds),
  };
}

/** What ends a stream says: as `json`, without a usage, which OpenAI's schema has there in tokens alone. */
export function streamedEnd(heard: Heard, { return_timestamps }: { return_timestamps: boolean }): StreamedEnd {
  const { usage: _, ...said } = transcriptionJson(heard, { timestamps: return_timestamps });
  const { warnings } = heard.transcript;
  return warnings === undefined ? said : { ...said, warnings };
}

export function translationJson({ transcript }: Heard): { text: string } {
  return { text: transcript.text };
}

export function verboseJson(
  { transcript, seconds }: Heard,
  { task, granularities }: { task: "transcribe" | "translate"; granularities: ReadonlySet<Granularity> },
): VerboseJson {
  const { text, language, timestamps = [] } = transcript;
  return {
    task,
    // Of a translation, the language of its text.
    language: task === "translate" ? "english" : language.toLowerCase(),
    duration: seconds,
    text,
    ...(granularities.has("segment") ? { segments: segmentsOf(transcript) } : {}),
    ...(granularities.has("word") ? { words: timestamps.map(wordOf) } : {}),
    ...(task === "translate" ? {} : { usage: usageOf(seconds) }),
  };
}

/** Begun seconds count. */
export function usageOf(seconds: number): TranscriptionJson["usage"] {
  return { type: "duration", seconds: Math.ceil(seconds) };
}

/** Their ten keys in the order of OpenAI's own answers. */
function segmentsOf(transcript: Transcript): TranscriptSegment[] {
  const texts = segmentTexts(transcript);
  return (transcript.segments ?? []).map(({ id, seek, start, end, text, tokens, ...scores }, index) => {
    const { temperature, avg_logprob, compression_ratio, no_speech_prob } = scores;
    const shown = texts[index] ?? text;
    return { id, seek, start, end, text: shown, tokens, temperature, avg_logprob, compression_ratio, no_speech_prob };
  });
}

function wordOf({ text, start, end, confidence }: Word): NonNullable<VerboseJson["words"]>[number] {
  return { word: text.trim(), start, end, ...(confidence === undefined ? {} : { confidence }) };
}

const codes: ReadonlyMap<string, string> = new Map(Object.entries(languageCodes));

/** ISO codes of comma-joined English names. */
function codesOf(languages: string): string {
  return languages
    .split(",")
    .map((name) => codes.get(name) ?? name)
    .join(",");
}
