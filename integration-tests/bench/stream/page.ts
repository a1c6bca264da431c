/** The result page of `bench:stream`. */
import { machine } from "../measure/machine.ts";
import { quantile, show, spread } from "../measure/statistics.ts";
import type { Figures, Measured } from "./figures.ts";
import type { FirstSegment } from "./first-segment.ts";
import type { StreamedAnswer } from "./post-file.ts";

export interface Setup {
  /** Of the file that is posted. */
  seconds: number;
  /** What a model of random weights says of a second of audio. */
  tokensPerSecond: number;
  /** Of the backlog's recordings. */
  lengths: { shortest: number; longest: number };
}

export interface ModelResult extends Measured {
  figures: Figures;
  /** Of the backlog. */
  files: number;
  audioSeconds: number;
}

/** @param claims sentences, and whether each holds */
export function page(results: readonly ModelResult[], claims: Readonly<Record<string, boolean>>, setup: Setup): string {
  const { seconds, tokensPerSecond, lengths } = setup;
  const lines = (row: (result: ModelResult) => string, of = results) => of.map(row).join("\n");
  return `# Files that stream their text

Written by \`npm run bench:stream\`. ${machine()}.

A recording of ${seconds} s, sentences with pauses between, is posted to \`POST /v1/audio/transcriptions\` with \`stream=true\` and without, in turn, at default
settings: as MP3 of 64 kbit/s. The WAV stands beside it and is not held to the aims: it is stored whole before anything is decoded. Everything from the request's first byte on counts, the upload too. Then a backlog waits in the queue: recordings of
${lengths.shortest} to ${lengths.longest} s, the texts of all of them to be read as they come, and the same without, in turn.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

Times are medians, with the least and the most. Ratios are medians of what each round has; those of whole times and of throughput are rounded to two decimals, since two
runs of the same differ by about as much.

| model | rounds | first text, s | whole, s | whole unstreamed, s | first text of the whole | streamed to unstreamed |
| --- | --- | --- | --- | --- | --- | --- |
${lines(fileLine)}

The first text is the first delta that is more than white space. parlance-en is the model that ships; the others have their true sizes and random weights. They
say nothing that makes sense, ${tokensPerSecond} tokens for each second of audio, which is about what English comes to. As of a clear recording, no text
is tried again at a higher temperature. What a model tells before its segment ends is what is certain; of random weights every word is a guess, so it may be
told later than of speech, and never later than the first segment ends.

## Where the first text waits

Milliseconds from the beginning of the request, medians. A segment's times are those of its result. Deltas are those of a whole answer.

| model | sent | accepted | first segment's pass begins | first text | first segment ends | its length, s | rows of its pass | deltas |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${lines(waitLine)}

## What short first segments cost a backlog

Seconds of audio a second, from the submission to the last done event; the recordings are stored before. More segments cost more, most of all where a model hears a
fixed stretch, as Whisper does with its 30 s, and takes as long for a short one. So the first segment is short only while less than a pass of jobs waits in its lane, and in the
queue's, where nobody waits, while none does: behind others it would wait whatever its length. What a backlog pays is that of its first recording, and telling the parts.

| model | recordings | audio, s | whole segments | read as it comes | segments without | segments with | kept |
| --- | --- | --- | --- | --- | --- | --- | --- |
${lines(
  backlogLine,
  results.filter(({ backlogs }) => backlogs.length > 0),
)}
`;
}

function fileLine({ model, streamed, unstreamed, figures }: ModelResult): string {
  const firstText = show(spread(streamed.map((answer) => answer.firstText)), 3);
  const whole = show(spread(streamed.map((answer) => answer.whole)));
  const shares = `${figures.first_text_share.toFixed(3)} | ${figures.whole_ratio.toFixed(2)}`;
  return `| ${model} | ${streamed.length} | ${firstText} | ${whole} | ${show(spread(unstreamed))} | ${shares} |`;
}

function waitLine({ model, streamed }: ModelResult): string {
  const median = (of: (answer: StreamedAnswer & { first: FirstSegment }) => number, factor = 1_000) =>
    (factor * quantile(streamed.map(of), 0.5)).toFixed(0);
  const until = [
    median(({ sent }) => sent),
    median(({ first }) => first.accepted),
    median(({ first }) => first.began),
    median(({ firstText }) => firstText),
    median(({ first }) => first.ended),
  ];
  const what = [
    quantile(
      streamed.map(({ first }) => first.seconds),
      0.5,
    ).toFixed(1),
    median(({ first }) => first.rows, 1),
    median(({ deltas }) => deltas, 1),
  ];
  return `| ${[model, ...until, ...what].join(" | ")} |`;
}

function backlogLine({ model, files, audioSeconds, backlogs, figures }: ModelResult): string {
  const speeds = (["without", "withParts"] as const).map((way) =>
    show(spread(backlogs.map((each) => each[way].speed)), 1),
  );
  const [{ without, withParts } = { without: { segments: 0 }, withParts: { segments: 0 } }] = backlogs;
  const what = [files, audioSeconds.toFixed(0), ...speeds, without.segments, withParts.segments];
  return `| ${[model, ...what, figures.queue_throughput_kept?.toFixed(2)].join(" | ")} |`;
}
