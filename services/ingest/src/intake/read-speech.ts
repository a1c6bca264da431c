/** What a text item asks for, and what is wrong with it before any model is asked. Pure. */
import {
  headerNames,
  type Operation,
  SpeechError,
  type SpeechFieldNames,
  type SpeechFormat,
  type SubmittedItem,
  speechProblem,
} from "@parlance/contracts";
import { spokenProblem, withoutControlTokens } from "@parlance/tts/text";

export interface SpeechWish {
  text: string;
  voice: string | undefined;
  instructions: string;
  /** What is said in the recording to clone; empty: its sound alone is cloned. */
  referenceText: string;
  speed: number;
  /** Undefined: one is chosen. */
  seed: number | undefined;
  format: SpeechFormat;
  /** What the sender calls the fields, for errors that name one. */
  names: SpeechFieldNames;
}

/** The names in a drop, whose text is its payload. */
export const dropNames: SpeechFieldNames = {
  text: "payload",
  voice: headerNames.voice,
  instructions: headerNames.instructions,
  reference: headerNames.operation,
  referenceText: headerNames.referenceText,
  format: headerNames.format,
  operation: headerNames.operation,
  language: headerNames.language,
};

export function toSpeechWish(item: SubmittedItem, names: SpeechFieldNames): SpeechWish {
  const { voice, xVectorOnly, speed, seed, format } = item;
  return {
    text: withoutControlTokens(item.text),
    voice,
    instructions: withoutControlTokens(item.instructions),
    referenceText: xVectorOnly ? "" : withoutControlTokens(item.referenceText),
    ...{ speed, seed, format, names },
  };
}

export interface SpeechQuestion {
  operation: Operation;
  wish: SpeechWish;
  hasReference: boolean;
  xVectorOnly: boolean;
}

export function findSpeechFault({
  operation,
  wish,
  hasReference,
  xVectorOnly,
}: SpeechQuestion): SpeechError | undefined {
  const { names, text } = wish;
  const fault = speechProblem({ ...wish, operation, hasReference, xVectorOnly }, names);
  if (fault !== undefined) return fault;
  const problem = spokenProblem(text);
  return problem === undefined ? undefined : unspeakable(problem, names);
}

export function unspeakable(problem: string, names: SpeechFieldNames, cause?: unknown): SpeechError {
  return new SpeechError("text_unspeakable", `${names.text}: ${problem}`, { param: names.text, cause });
}
