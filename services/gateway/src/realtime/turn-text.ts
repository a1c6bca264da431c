/** What a turn has come to: its text as far as it is certain, and what is told of it at its end. Pure. */
import {
  createTextJoin,
  type Failure,
  findLanguage,
  languageCodes,
  mergeLanguages,
  type TokenScore,
  type Transcript,
} from "@parlance/contracts";
import type { Completed } from "./server-events.ts";

export type UtteranceEnd = { transcript: Transcript; seconds?: number | undefined } | { failure: Failure };

export interface Utterance {
  start: number;
  stopped: boolean;
  stable: string;
  language: string;
  end?: UtteranceEnd;
}

export interface Turn {
  itemId: string;
  /** Seconds from the session's first sample, as everywhere here. */
  start: number;
  end: number | undefined;
  utterances: Utterance[];
  /** speech_started was told, speech_stopped was not. */
  speaking: boolean;
  state: "open" | "committed" | "cleared";
  /** The live session has not said yet that it has read up to its end: more of it may come. */
  awaiting: boolean;
  told: string;
}

/** Up to the first utterance that is not final, with what is stable of that. */
export function textOf({ utterances }: Pick<Turn, "utterances">): string {
  const join = createTextJoin();
  let text = "";
  for (const { end, stable, language } of utterances) {
    if (end === undefined) return text + join.part(stable, language);
    if ("transcript" in end) text += join.add(end.transcript);
  }
  return text;
}

/** Why it has no transcript: that of one of its utterances would be missing. */
export function failureOf({ utterances }: Turn): Failure | undefined {
  return utterances.flatMap(({ end }) => (end !== undefined && "failure" in end ? [end.failure] : []))[0];
}

export function completedOf(turn: Turn, wantsLogprobs: boolean): Completed {
  const heard = turn.utterances.flatMap(({ end }) => (end !== undefined && "transcript" in end ? [end] : []));
  const transcripts = heard.map(({ transcript }) => transcript);
  const spoken = heard.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  const seconds = heard.length === 0 ? Math.max(0, (turn.end ?? turn.start) - turn.start) : spoken;
  return {
    transcript: textOf(turn),
    usage: { type: "duration", seconds: Math.round(seconds * 1_000) / 1_000 },
    languages: codesOf(mergeLanguages(transcripts.map(({ language }) => language))),
    ...(wantsLogprobs ? { logprobs: allOf(transcripts.map(({ logprobs }) => logprobs)) } : {}),
  };
}

function codesOf(languages: string): { code: string }[] {
  return languages.split(",").flatMap((name) => {
    const language = findLanguage(name);
    return language === undefined || language === "auto" ? [] : [{ code: languageCodes[language] }];
  });
}

/** Null where the model told none of one of them. */
function allOf(scores: readonly (TokenScore[] | undefined)[]): TokenScore[] | null {
  return scores.every((each) => each !== undefined) ? scores.flat() : null;
}
