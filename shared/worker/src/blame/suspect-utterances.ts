/**
 * Utterances under whose windows an engine died. A window is never run again, but the next one says the same and more: so what
 * is held against one counts for all of its utterance. While it is suspected each runs alone, and takes no other session's along;
 * once it is convicted none is run any more. One that comes to its end clears the utterance.
 *
 * It is this worker's memory, and lost with it: the utterance's own job is judged as every job is.
 */
export interface SuspectUtterances {
  of(utterance: string): number;
  note(utterance: string, suspicion: number): void;
  clear(utterance: string): void;
}

/** More than sessions speak at a time. */
const KEPT = 1_000;

export function createSuspectUtterances(): SuspectUtterances {
  const suspicions = new Map<string, number>();
  return {
    of: (utterance) => suspicions.get(utterance) ?? 0,
    note(utterance, suspicion) {
      suspicions.delete(utterance);
      if (suspicion > 0) suspicions.set(utterance, suspicion);
      for (const [oldest] of suspicions) if (suspicions.size > KEPT) suspicions.delete(oldest);
    },
    clear: (utterance) => void suspicions.delete(utterance),
  };
}
