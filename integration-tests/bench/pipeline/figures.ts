/** What `bench:pipeline` makes of its rounds, and what it holds the pipeline to. Pure. */
import { quantile, round, type Spread, spread } from "../measure/statistics.ts";

/** Audio seconds per second: of the engine by itself, and of the whole pipeline. */
export interface Comparison {
  direct: Spread;
  through: Spread;
  ratio: Spread;
  /** Segments in each pass but the first and the last. */
  passSizes: readonly number[];
}

/** Milliseconds of each request. */
export interface Latency {
  direct: readonly number[];
  through: readonly number[];
}

export interface BehindBacklog {
  /** Milliseconds of each request that came while the backlog ran. */
  waits: readonly number[];
  /** Audio seconds per second of the backlog, by round. */
  rounds: readonly { beside: number; alone: number }[];
}

export interface Measured {
  large: Comparison;
  embedded: Comparison;
  latency: Latency;
  behind: BehindBacklog;
}

export interface Figures {
  pipeline_ratio: number;
  pipeline_ratio_embedded: number;
  mean_pass_size: number;
  added_ms_p50: number;
  added_ms_p95: number;
  behind_backlog_ms_p50: number;
  behind_backlog_ms_p95: number;
  backlog_kept: number;
}

export const AIMS = {
  pipeline_ratio: 0.97,
  pipeline_ratio_embedded: 0.8,
  mean_pass_size: 15,
  added_ms_p50: 15,
  behind_backlog_ms_p95: 250,
  backlog_kept: 0.95,
};

export function compared(direct: readonly number[], through: readonly number[], passSizes: readonly number[]) {
  const ratios = through.map((each, index) => each / (direct[index] ?? Number.NaN));
  return { direct: spread(direct), through: spread(through), ratio: spread(ratios), passSizes };
}

/** What the backlog keeps of its throughput beside the requests, by round. */
export function keptOf({ rounds }: BehindBacklog): number[] {
  return rounds.map(({ beside, alone }) => beside / alone);
}

export function figuresOf({ large, embedded, latency, behind }: Measured): Figures {
  const sizes = [...large.passSizes, ...embedded.passSizes];
  const engine = quantile(latency.direct, 0.5);
  const added = latency.through.map((milliseconds) => milliseconds - engine);
  return {
    pipeline_ratio: round(large.ratio.median),
    pipeline_ratio_embedded: round(embedded.ratio.median),
    mean_pass_size: round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length, 2),
    added_ms_p50: round(quantile(added, 0.5), 2),
    added_ms_p95: round(quantile(added, 0.95), 2),
    behind_backlog_ms_p50: round(quantile(behind.waits, 0.5), 0),
    behind_backlog_ms_p95: round(quantile(behind.waits, 0.95), 0),
    backlog_kept: round(quantile(keptOf(behind), 0.5)),
  };
}

/** Sentences, and whether each holds. */
export function claimsOf(figures: Figures): Record<string, boolean> {
  const least = (name: keyof typeof AIMS) => figures[name] >= AIMS[name];
  return {
    [`the whole pipeline does ${AIMS.pipeline_ratio} of what its engine does, with a model of 100 M parameters`]:
      least("pipeline_ratio"),
    [`it does ${AIMS.pipeline_ratio_embedded} of it with parlance-en, which is so fast that the rest is much of the work`]:
      least("pipeline_ratio_embedded"),
    [`a pass holds ${AIMS.mean_pass_size} segments of 16 while more than a pass waits`]: least("mean_pass_size"),
    [`the pipeline adds less than ${AIMS.added_ms_p50} ms to a clip of 3 s, at p50`]:
      figures.added_ms_p50 < AIMS.added_ms_p50,
    [`behind a backlog 95 of 100 clips are answered in less than ${AIMS.behind_backlog_ms_p95} ms`]:
      figures.behind_backlog_ms_p95 < AIMS.behind_backlog_ms_p95,
    [`the backlog keeps ${AIMS.backlog_kept} of its throughput beside them`]: least("backlog_kept"),
  };
}
