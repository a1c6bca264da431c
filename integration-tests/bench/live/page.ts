/** The result page of `bench:live`. */
import { machine } from "../measure/machine.ts";
import { quantile } from "../measure/statistics.ts";
import { type Figures, type Measured, overloadOf, roundsWaited } from "./figures.ts";
import type { HeldBy } from "./lags.ts";
import type { Lags } from "./speakers.ts";

export interface ModelResult extends Measured {
  by: HeldBy;
  /** Of each session's speech. */
  seconds: number;
  figures: Figures;
}

export interface Setup {
  fileSeconds: number;
  silenceMs: number;
  tokensPerSecond: number;
}

const quantiles = (values: readonly number[]) =>
  values.length === 0 ? "-" : [0.5, 0.95, 1].map((q) => quantile(values, q).toFixed(0)).join(" / ");

/** @param claims sentences, and whether each holds */
export function page(results: readonly ModelResult[], claims: Readonly<Record<string, boolean>>, setup: Setup): string {
  const { fileSeconds, silenceMs, tokensPerSecond } = setup;
  const lines = (row: (result: ModelResult) => string[]) => results.flatMap(row).join("\n");
  return `# Live speech

Written by \`npm run bench:live\`. ${machine()}, the program that speaks included.

Sessions speak over subjects as fast as people do, sentences with pauses between, in frames of 50 ms. When a word ends is known: it is one of
the committed sentences, and the embedded model told its times as a file's. With and without a backlog of recordings of ${fileSeconds / 60} minutes that does not end.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

The aims are for parlance-en, the model that ships. The others have their true sizes and random weights, and say ${tokensPerSecond} tokens for each second of audio; since
that makes no sense, a word counts as told with the first partial that was heard up to its end.

Milliseconds are medians / p95 / longest. *Partial*: from a word's end to the partial that holds it, or to the final where none does. *Final*: from the end of an
utterance's last word to its final, less the ${silenceMs} ms of silence that end it. *Gap*: the longest time between two answers of each utterance.

| model | sessions | s each | backlog | words | partial | final | gap | answers a second | failed |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${lines((result) => [lagLine(result, "no", result.alone), lagLine(result, "yes", result.loaded)])}

## What the backlog keeps

Seconds of its audio heard in a second. It keeps a tenth of the time (LIVE_BATCH_SHARE), and counts when its pass is over: one of the models
of true size takes longer than that tenth of so short a run.

| model | by itself | beside the sessions | kept |
| --- | --- | --- | --- |
${lines(({ model, backlogAlone, backlogBeside, figures }) => [
  `| ${model} | ${backlogAlone.toFixed(1)} | ${backlogBeside.toFixed(1)} | ${figures.batch_share_kept.toFixed(2)} |`,
])}

## How many at once

| model | sessions: partial p95, ms |
| --- | --- |
${lines(({ model, levels }) =>
  levels.length === 0
    ? []
    : [
        `| ${model} | ${levels
          .toSorted((a, b) => a.sessions - b.sessions)
          .map(({ sessions, p95 }) => `${sessions}: ${p95.toFixed(0)}`)
          .join(", ")} |`,
      ],
)}

## More than the machine can do

*Wanted* is an answer each \`LIVE_PARTIAL_MS\` to each session that speaks. A *turn* is as long as it takes to answer all of them once.
Where a speaker pauses nothing new is to be heard: what counts is how much longer the longest gap is than that of sessions alone.

| model | sessions | wanted a second | got a second | times too many | gap, ms | turns that the longest one waited |
| --- | --- | --- | --- | --- | --- | --- |
${lines(({ model, alone, overloaded }) =>
  overloaded === undefined
    ? []
    : [
        `| ${[
          model,
          overloaded.sessions,
          overloaded.wanted.toFixed(1),
          overloaded.got.toFixed(1),
          overloadOf(overloaded).toFixed(1),
          quantiles(overloaded.gaps),
          roundsWaited(overloaded, alone).toFixed(1),
        ].join(" | ")} |`,
      ],
)}
`;
}

function lagLine({ model, seconds }: ModelResult, backlog: string, lags: Lags): string {
  const { sessions, words, partial, final, gaps, answers, failed } = lags;
  const speeds = [quantiles(partial), quantiles(final), quantiles(gaps), (answers / lags.seconds).toFixed(1)];
  return `| ${[model, sessions, seconds, backlog, words, ...speeds, failed].join(" | ")} |`;
}
