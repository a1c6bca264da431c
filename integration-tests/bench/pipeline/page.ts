/** The result page of `bench:pipeline`. */
import type { CpuSeconds } from "../measure/cpu-profile.ts";
import { machine } from "../measure/machine.ts";
import { quantile, show, spread } from "../measure/statistics.ts";
import { type Comparison, type Figures, keptOf, type Measured } from "./figures.ts";

export interface Setup {
  /** Of the model of random weights. */
  parameters: number;
  /** Of each segment, in seconds. */
  segmentSeconds: number;
  passSize: number;
  /** Of the last round with `parlance-en`. */
  profile: CpuSeconds;
  /** Milliseconds between two requests behind a backlog, on average. */
  askedEveryMs: number;
}

/** @param claims sentences, and whether each holds */
export function page(
  measured: Measured,
  figures: Figures,
  claims: Readonly<Record<string, boolean>>,
  { parameters, segmentSeconds, passSize, profile, askedEveryMs }: Setup,
): string {
  const { large, embedded, latency, behind } = measured;
  const row = (name: string, { direct, through, ratio }: Comparison) =>
    `| ${name} | ${show(direct, 0)} | ${show(through, 0)} | ${show(ratio)} |`;
  const total = Object.values(profile).reduce((sum, seconds) => sum + seconds, 0);
  const parts = Object.entries(profile)
    .filter(([, seconds]) => seconds > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([part, seconds]) => `| ${part} | ${seconds.toFixed(2)} | ${((100 * seconds) / total).toFixed(1)} % |`);
  const speeds = (of: "beside" | "alone") => show(spread(behind.rounds.map((each) => each[of])), 0);
  return `# The pipeline against its engine

Written by \`npm run bench:pipeline\`. ${machine()}.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

On two cores every processor second of the services, of nats-server and of the benchmark's own client is one that the engine does not get.

Recordings of ${segmentSeconds} s go through upload, queue, decoding, transcription and results, until the last done event; the engine alone runs
passes of the same ${passSize} segments back to back. Both in turn in one run; median (minimum to maximum).

| model | engine alone, audio s per s | whole pipeline, audio s per s | ratio |
| --- | --- | --- | --- |
${row(`random weights, ${(parameters / 1e6).toFixed(0)} M parameters`, large)}
${row("parlance-en", embedded)}

Mean pass size while more than a pass waited: ${figures.mean_pass_size} of ${passSize}.

## What eats the rest

Processor seconds by part during the last round with \`parlance-en\` (all cores together):

| part | CPU s | share |
| --- | --- | --- |
${parts.join("\n")}

## One clip of 3 s on the interactive lane

| | p50 ms | p95 ms |
| --- | --- | --- |
| engine alone | ${quantile(latency.direct, 0.5).toFixed(2)} | ${quantile(latency.direct, 0.95).toFixed(2)} |
| POST /api/v1/transcribe/file | ${quantile(latency.through, 0.5).toFixed(2)} | ${quantile(latency.through, 0.95).toFixed(2)} |
| added by the pipeline | ${figures.added_ms_p50.toFixed(2)} | ${figures.added_ms_p95.toFixed(2)} |

## The same clip behind a backlog

With \`parlance-en\`. A backlog of segments of ${segmentSeconds} s waits and is worked off, with such a request every ${askedEveryMs / 1_000} s on average and without, in turn.

| requests | p50 ms | p95 ms | longest ms |
| --- | --- | --- | --- |
| ${behind.waits.length} | ${figures.behind_backlog_ms_p50} | ${figures.behind_backlog_ms_p95} | ${Math.max(...behind.waits).toFixed(0)} |

| backlog by itself, audio s per s | beside the requests | kept |
| --- | --- | --- |
| ${speeds("alone")} | ${speeds("beside")} | ${show(spread(keptOf(behind)))} |
`;
}
