/**
 * The order in which the rows of a pass begin. The beginning of a file whose text is read as it comes is cut short, so that its text is
 * there soon; beside fifteen whole segments it would wait until all of them are heard, and then speak as slowly as they do. So such
 * rows speak by themselves, which takes a moment, and then all others begin together: a step reads every weight for however many rows.
 */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { Pass } from "@parlance/inference";

/** Rows that are no longer may speak by themselves. */
const HEAD_SECONDS = 8;

export interface RowQueue {
  /** Rows that begin now, at most so many: none while those speak that go first, or when none waits. Asked once a step. */
  take(places: number): number[];
}

/** Rows that join together read their prompts in one run, which costs about what a step of all rows does. */
export interface Gathering {
  /** So many do not wait for more. */
  rows: number;
  /** Nor does any for longer than so many steps. */
  steps: number;
}

export interface RowQueueOptions {
  /** Whether rows may begin beside others that speak. */
  refills: boolean;
  /** Whether short rows that are read go first. */
  headsFirst: boolean;
  /** Default: whoever joins begins at once. */
  gathering?: Gathering | undefined;
}

type RowsOf<Row> = Pick<Pass<Row, never, never>, "rows" | "readsParts" | "isOpen" | "refill">;

export function createRowQueue<Row extends { samples: Int16Array }>(
  pass: RowsOf<Row>,
  { refills, headsFirst, gathering = { rows: 1, steps: 0 } }: RowQueueOptions,
): RowQueue {
  const isHead = (row: number) => pass.readsParts(row) && secondsOf(pass.rows[row]) <= HEAD_SECONDS;
  const rows = [...pass.rows.keys()];
  const heads = headsFirst ? rows.filter(isHead) : [];
  const waiting = [...heads, ...rows.filter((row) => !heads.includes(row))];
  /** All that have begun. */
  const begun: number[] = [];
  const joining: number[] = [];
  let waited = 0;

  function begin(from: number[], count: number): number[] {
    const taken = from.splice(0, count);
    begun.push(...taken);
    return taken;
  }

  function join(places: number): number[] {
    if (places > joining.length) joining.push(...pass.refill(places - joining.length));
    const few = joining.length < gathering.rows && waited < gathering.steps && begun.some((row) => pass.isOpen(row));
    waited = joining.length > 0 && few ? waited + 1 : 0;
    return few ? [] : begin(joining, joining.length);
  }

  return {
    take(places) {
      const wanted = waiting.slice(0, places);
      const first = wanted.filter((row) => heads.includes(row));
      if (first.length > 0) return begin(waiting, first.length);
      if (heads.some((row) => pass.isOpen(row))) return [];
      if (wanted.length > 0) return begin(waiting, wanted.length);
      return refills && places > 0 ? join(places) : [];
    },
  };
}

function secondsOf(row: { samples: Int16Array } | undefined): number {
  return (row?.samples.length ?? 0) / SAMPLE_RATE;
}
