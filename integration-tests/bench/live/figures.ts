/** What `bench:live` makes of its runs, and what it holds live speech to. */
import { quantile, round } from "../measure/statistics.ts";
import type { Lags } from "./speakers.ts";

export interface Measured {
  model: string;
  /** Ten sessions, without and with a backlog. */
  alone: Lags;
  loaded: Lags;
  /** Seconds of audio of the backlog heard in a second: by itself, and beside the sessions. */
  backlogAlone: number;
  backlogBeside: number;
  /** In the order of the search; none where it was not made. */
  levels: { sessions: number; p95: number }[];
  /** Sessions that want more answers than the machine can give; undefined where that was not run. */
  overloaded: (Lags & Overload) | undefined;
}

export interface Overload {
  /** Answers that the sessions would have in a second of speech, and that they got. */
  wanted: number;
  got: number;
}

export interface Figures {
  /** Milliseconds from a word's end to the partial that holds it. */
  partial_ms_p50: number;
  partial_ms_p95: number;
  partial_ms_p95_loaded: number;
  /** Milliseconds from the end of speech to the final, less the silence that was asked for. */
  final_ms_p95: number;
  /** Of the backlog's speed beside the sessions. */
  batch_share_kept: number;
  /** Most sessions with a p95 of partials under 300 ms; null where it was not searched. */
  sessions_at_300ms: number | null;
  /** Longest time that a session waited for an answer while it spoke; null where it was not run. */
  longest_gap_ms_overloaded: number | null;
}

export const AIMS = { partialMs: 300, addedMs: 250, overload: 2.5, gapRounds: 3 };

export function figuresOf({ alone, loaded, backlogAlone, backlogBeside, levels, overloaded }: Measured): Figures {
  const ms = (values: readonly number[], q: number) => Math.round(quantile(values, q));
  return {
    partial_ms_p50: ms(alone.partial, 0.5),
    partial_ms_p95: ms(alone.partial, 0.95),
    partial_ms_p95_loaded: ms(loaded.partial, 0.95),
    final_ms_p95: ms(alone.final, 0.95),
    batch_share_kept: round(backlogBeside / backlogAlone, 2),
    sessions_at_300ms: levels.length === 0 ? null : mostUnder(levels),
    longest_gap_ms_overloaded: overloaded === undefined ? null : Math.max(...overloaded.gaps),
  };
}

/** Most sessions that keep to the aim, of those below the first that did not. */
export function mostUnder(levels: Measured["levels"]): number {
  const inOrder = levels.toSorted((a, b) => a.sessions - b.sessions);
  const broke = inOrder.findIndex(({ p95 }) => p95 >= AIMS.partialMs);
  return (broke < 0 ? inOrder.at(-1) : inOrder[broke - 1])?.sessions ?? 0;
}

/** How many sessions to try next; undefined when it is known to a quarter. Doubles until the aim breaks, then halves what is between. */
export function nextLevel(levels: Measured["levels"], most: number): number | undefined {
  const kept = mostUnder(levels);
  const broke = Math.min(
    ...levels.filter(({ p95 }) => p95 >= AIMS.partialMs).map(({ sessions }) => sessions),
    Number.POSITIVE_INFINITY,
  );
  if (broke === Number.POSITIVE_INFINITY) return kept >= most ? undefined : Math.min(most, Math.max(1, kept * 2));
  return broke - kept <= Math.max(1, kept / 4) ? undefined : Math.floor((kept + broke) / 2);
}

/** Answers that speakers want, over those that the machine gave. */
export function overloadOf({ wanted, got }: Overload): number {
  return wanted / got;
}

/**
 * In how many times of all having their turn once the one that waited longest had its own, beyond the longest gap of sessions that wait
 * for nobody: where a speaker pauses nothing new is to be heard.
 */
export function roundsWaited(overloaded: Lags & Overload, alone: Pick<Lags, "gaps">): number {
  const roundMs = (1_000 * overloaded.sessions) / overloaded.got;
  return Math.max(0, Math.max(...overloaded.gaps) - Math.max(0, ...alone.gaps)) / roundMs;
}

/** Sentences, and whether each holds. `held` is the model that the aims are for. */
export function claimsOf(
  held: Figures,
  measured: readonly Pick<Measured, "alone" | "overloaded">[],
): Record<string, boolean> {
  const { partial_ms_p95: alone, partial_ms_p95_loaded: loaded } = held;
  const runs = measured.flatMap(({ alone: without, overloaded }) =>
    overloaded === undefined ? [] : [{ times: overloadOf(overloaded), rounds: roundsWaited(overloaded, without) }],
  );
  return {
    [`a word is told within ${AIMS.partialMs} ms of its end (p95)`]: alone <= AIMS.partialMs,
    [`a backlog adds at most ${AIMS.addedMs} ms to that`]: loaded - alone <= AIMS.addedMs,
    [`no session starves: at ${AIMS.overload} times what the machine can do none waits for more than ${AIMS.gapRounds} turns of all`]:
      runs.length > 0 && runs.every(({ times, rounds }) => times >= AIMS.overload && rounds <= AIMS.gapRounds),
  };
}
