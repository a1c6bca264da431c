/** The newest sequences that this connection has stored or was delivered. */
export interface SeenSequences {
  note(stream: string, seq: number): void;
  /** 0 when nothing was seen for a while. */
  of(stream: string): number;
}

/** No leader is behind for so long; a stream that was made anew, or came back from a backup, has older numbers for good. */
const REMEMBERED_MS = 60_000;

export function rememberSequences(now = () => performance.now()): SeenSequences {
  const newest = new Map<string, { seq: number; at: number }>();
  return {
    note(stream, seq) {
      if (seq >= (newest.get(stream)?.seq ?? 0)) newest.set(stream, { seq, at: now() });
    },
    of(stream) {
      const seen = newest.get(stream);
      return seen === undefined || now() - seen.at > REMEMBERED_MS ? 0 : seen.seq;
    },
  };
}
