/** What `bench:stream` makes of its rounds, and what it holds streaming to. */
import type { BacklogRun } from "../load/stored-backlog.ts";
import { quantile, round } from "../measure/statistics.ts";
import type { FirstSegment } from "./first-segment.ts";
import type { StreamedAnswer } from "./post-file.ts";

export interface Measured {
  model: string;
  streamed: (StreamedAnswer & { first: FirstSegment })[];
  /** Seconds to the whole answer. */
  unstreamed: number[];
  backlogs: { withParts: BacklogRun; without: BacklogRun }[];
}

/**
 * Seconds are medians to the millisecond. The first text's share is of those medians as they were measured; ratios are of the two runs
 * of a round, which stand beside each other, and medians of those: a machine that slows down meanwhile does so for both.
 */
export interface Figures {
  first_text_s: number;
  whole_s: number;
  whole_s_unstreamed: number;
  /** To three decimals. */
  first_text_share: number;
  /** Median of the rounds, to two decimals: what two runs of the same differ by. */
  whole_ratio: number;
  /** Median of the rounds, to two decimals; null where no backlog was run. */
  queue_throughput_kept: number | null;
}

/** Of a whole of a second or two, a twentieth is less than the file takes to arrive: `first_text_s` is soon enough by itself. */
export const AIMS = { first_text_share: 0.05, first_text_s: 0.25, whole_ratio: 1.02, queue_throughput_kept: 0.98 };

export function figuresOf({ streamed, unstreamed, backlogs }: Measured): Figures {
  const median = (values: readonly number[]) => quantile(values, 0.5);
  const firstText = median(streamed.map((answer) => answer.firstText));
  const whole = median(streamed.map((answer) => answer.whole));
  const wholeUnstreamed = median(unstreamed);
  return {
    first_text_s: round(firstText),
    whole_s: round(whole),
    whole_s_unstreamed: round(wholeUnstreamed),
    first_text_share: round(firstText / whole),
    whole_ratio: round(median(streamed.map((answer, turn) => answer.whole / (unstreamed[turn] ?? Number.NaN))), 2),
    queue_throughput_kept: backlogs.length === 0 ? null : round(median(backlogs.map(kept)), 2),
  };
}

function kept({ withParts, without }: Measured["backlogs"][number]): number {
  return withParts.speed / without.speed;
}

/** Of each figure the worst that a model had: the longest time, the least that was kept. */
export function worstOf(figures: readonly Figures[]): Figures {
  const most = (of: (each: Figures) => number) => Math.max(...figures.map(of));
  const throughputs = figures.flatMap((each) => each.queue_throughput_kept ?? []);
  return {
    first_text_s: most((each) => each.first_text_s),
    whole_s: most((each) => each.whole_s),
    whole_s_unstreamed: most((each) => each.whole_s_unstreamed),
    first_text_share: most((each) => each.first_text_share),
    whole_ratio: most((each) => each.whole_ratio),
    queue_throughput_kept: throughputs.length === 0 ? null : Math.min(...throughputs),
  };
}

/** What a whole may take of what it takes unstreamed, of a model whose rows all cost the same: a short first segment is one row more. */
export function withRowMore(rows: number): number {
  return round((AIMS.whole_ratio * (rows + 1)) / rows, 2);
}

/** `wholeRatio`: what the whole may take of what it takes unstreamed. Default: the aim. */
export type Held = Figures & { wholeRatio?: number };

/** Sentences, and whether each holds for all of them. */
export function claimsOf(figures: readonly Held[]): Record<string, boolean> {
  const wider = figures.flatMap(({ wholeRatio }) => wholeRatio ?? []);
  const wholes = [AIMS.whole_ratio, ...wider.map((ratio) => `${ratio} where a row costs the same whatever its length`)];
  return {
    [`the first text comes within a twentieth of the whole, or within ${AIMS.first_text_s} s`]: figures.every(
      ({ first_text_share, first_text_s }) =>
        first_text_share <= AIMS.first_text_share || first_text_s <= AIMS.first_text_s,
    ),
    [`the whole takes at most ${wholes.join(", ")}, of what it takes unstreamed`]: figures.every(
      ({ whole_ratio, wholeRatio = AIMS.whole_ratio }) => whole_ratio <= wholeRatio,
    ),
    [`a backlog of which every text is read as it comes keeps ${AIMS.queue_throughput_kept} of its throughput`]:
      figures.every(
        ({ queue_throughput_kept }) =>
          queue_throughput_kept === null || queue_throughput_kept >= AIMS.queue_throughput_kept,
      ),
  };
}
