/**
 * What becomes of a text that comes piece by piece: it is cut into sentences, which are handed out in order, a little ahead of the
 * sound, and are forgotten when they are spoken, or when nobody wants them any more. Pure.
 *
 *   add ──▶ cutter ──▶ waiting ──next──▶ underway ──spoken──▶
 */
import { SpeechError } from "@parlance/contracts";
import { createTextCutter, type TextPiece } from "@parlance/tts/text";

export interface PlannedSentence extends TextPiece {
  /** Counted from 0 over all of the socket's text. */
  n: number;
}

export type SpeakEnd = "flushed" | "closed";

export interface SpeakPlan {
  /** Throws `session_behind` for a piece that does not fit, of which nothing is taken; `session_ended` after `close`. */
  add(text: string): void;
  /** What is there is spoken, and its end is told. */
  flush(): void;
  /** As `flush`, and nothing follows. */
  close(): void;
  /** Forgets what is not spoken: answers the numbers of sentences that were. */
  cancel(): number[];
  /** Sentences that may be made now, together; none where enough are. */
  next(): PlannedSentence[];
  spoken(n: number): void;
  /** Which it was, once all is spoken that was there at a flush or a close. For once; to be asked before each sentence. */
  takeEnd(): SpeakEnd | undefined;
}

/** UTF-16 units that may wait to be spoken: some ten minutes of speech. */
const MOST_UNSPOKEN = 8_192;
/** Of what is underway: half a minute of speech, of which a caller that interrupts wastes no more. */
const MOST_UNDERWAY = 400;
/** Sentences that are made before the first of them is spoken, however short they are. */
const MOST_TOGETHER = 8;

export function createSpeakPlan(): SpeakPlan {
  const cutter = createTextCutter();
  let waiting: PlannedSentence[] = [];
  let underway: PlannedSentence[] = [];
  let nextNumber = 0;
  /** Ends that are to be told when all sentences before their number are spoken. */
  let ends: { before: number; end: SpeakEnd }[] = [];
  let closed = false;

  const length = (sentences: readonly PlannedSentence[]) => sentences.reduce((sum, { text }) => sum + text.length, 0);

  function take(pieces: readonly TextPiece[]): void {
    for (const piece of pieces) {
      waiting.push({ n: nextNumber, ...piece });
      nextNumber += 1;
    }
  }

  function endHere(end: SpeakEnd): void {
    take(cutter.flush());
    ends = [...ends.filter(({ before }) => before < nextNumber), { before: nextNumber, end }];
  }

  return {
    add(text) {
      if (closed) throw new SpeechError("session_ended", "text: came after close", { param: "text" });
      const unspoken = cutter.open + length(waiting) + length(underway);
      if (unspoken + text.length > MOST_UNSPOKEN) {
        const message = `text: ${unspoken} characters wait to be spoken, and ${text.length} more would be above ${MOST_UNSPOKEN}; none of these was taken`;
        throw new SpeechError("session_behind", message, { param: "text" });
      }
      take(cutter.add(text));
    },
    flush() {
      if (!closed) endHere("flushed");
    },
    close() {
      endHere("closed");
      closed = true;
    },
    cancel() {
      cutter.clear();
      const dropped = [...underway, ...waiting].map(({ n }) => n);
      waiting = [];
      underway = [];
      ends = closed ? [{ before: nextNumber, end: "closed" }] : [];
      return dropped;
    },
    next() {
      const isFirst = underway.length === 0;
      const group: PlannedSentence[] = [];
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        if (underway.length > 0 && length(underway) + next.text.length > MOST_UNDERWAY) break;
        if (underway.length >= MOST_TOGETHER) break;
        waiting.shift();
        underway.push(next);
        group.push(next);
        // Whoever listens to silence waits for this one alone.
        if (isFirst) break;
      }
      return group;
    },
    spoken(n) {
      underway = underway.filter((sentence) => sentence.n !== n);
    },
    takeEnd() {
      const [first] = ends;
      if (first === undefined || [...underway, ...waiting].some(({ n }) => n < first.before)) return undefined;
      ends = ends.slice(1);
      return first.end;
    },
  };
}
