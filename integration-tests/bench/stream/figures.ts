/** What `bench:stream` makes of its rounds, and what it holds streaming to. */
import { quantile, round } from "../measure/statistics.ts";
import type { FirstSegment } from "./first-segment.ts";
import type { StreamedAnswer } from "./post-file.ts";
import type { BacklogRun } from "./stored-backlog.ts";

export interface Measured {
  model: string;
  streamed: (StreamedAnswer & { first: FirstSegment })[];
  /** Seconds to the whole answer. */
  unstreamed: number[];
  backlogs: { withParts: BacklogRun; without: BacklogRun }[];
}

/** Seconds are medians to the millisecond, shares are of those medians as they were measured. */
export interface Figures {
  first_text_s: number;
  whole_s: number;
  whole_s_unstreamed: number;
  /** To three decimals. */
  first_text_share: number;
  /** To two decimals: what two runs of the same differ by. */
  whole_ratio: number;
  /** Median of the rounds, to two decimals. */
  queue_throughput_kept: number;
}

export const AIMS = { first_text_share: 0.05, whole_ratio: 1.02, queue_throughput_kept: 0.98 };

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
    whole_ratio: round(whole / wholeUnstreamed, 2),
    queue_throughput_kept: round(median(backlogs.map(({ withParts, without }) => withParts.speed / without.speed)), 2),
  };
}

/** Of each figure the worst that a model had: the longest time, the least that was kept. */
export function worstOf(figures: readonly Figures[]): Figures {
  const most = (of: (each: Figures) => number) => Math.max(...figures.map(of));
  return {
    first_text_s: most((each) => each.first_text_s),
    whole_s: most((each) => each.whole_s),
    whole_s_unstreamed: most((each) => each.whole_s_unstreamed),
    first_text_share: most((each) => each.first_text_share),
    whole_ratio: most((each) => each.whole_ratio),
    queue_throughput_kept: Math.min(...figures.map((each) => each.queue_throughput_kept)),
  };
}

/** Sentences, and whether each holds for every model. */
export function claimsOf({ first_text_share, whole_ratio, queue_throughput_kept }: Figures): Record<string, boolean> {
  return {
    "the first text comes within a twentieth of the whole": first_text_share <= AIMS.first_text_share,
    [`the whole takes at most ${AIMS.whole_ratio} of what it takes unstreamed`]: whole_ratio <= AIMS.whole_ratio,
    [`a backlog of which every text is read as it comes keeps ${AIMS.queue_throughput_kept} of its throughput`]:
      queue_throughput_kept >= AIMS.queue_throughput_kept,
  };
}
