/** Where frames of a session lie in LIVE, one for each second: so that its entry can say from which on it is to be read again. Pure. */
export interface FrameMark {
  /** In LIVE. */
  seq: number;
  /** Of its first sample, at the session's own rate. */
  position: number;
}

export interface FrameMarks {
  note(seq: number, position: number): void;
  /** The last one that is known to begin no later. What lies before it is forgotten. */
  upTo(position: number): FrameMark | undefined;
}

export function createFrameMarks(rate: number, first: FrameMark | undefined): FrameMarks {
  const marks = first === undefined ? [] : [first];
  return {
    note(seq, position) {
      const newest = marks.at(-1);
      if (newest === undefined || position >= newest.position + rate) marks.push({ seq, position });
    },
    upTo(position) {
      while (marks[1] !== undefined && marks[1].position <= position) marks.shift();
      return marks[0] !== undefined && marks[0].position <= position ? marks[0] : undefined;
    },
  };
}
