/**
 * A session's frames in the order of their samples. Pure; the clock is given.
 *
 * What was heard already is passed over, also of a frame that reaches further. What is missing may still come for a while; then silence
 * stands in its place, and what waited behind it goes on. A frame without a position follows what came before it.
 */
import { SpeechError } from "@parlance/contracts";

export interface PlacedFrame<Content> {
  /** Of its first sample; undefined: it follows what came before. */
  position: number | undefined;
  /** 0 where it has no audio. */
  samples: number;
  content: Content;
}

export type LinePiece<Content> =
  /** Its samples from `skip` on follow; all of them were heard where `skip` is as many as it has. */
  | { kind: "frame"; position: number; samples: number; skip: number; content: Content }
  | { kind: "gap"; from: number; to: number };

export interface FrameLine<Content> {
  /** Throws `frame_invalid` for a position beyond all that could be waited for; the line is as it was. */
  take(frame: PlacedFrame<Content>, now: number): LinePiece<Content>[];
  /** What goes on now because nothing more is waited for. */
  settle(now: number): LinePiece<Content>[];
  /** Position up to which everything went on. */
  readonly next: number;
  /** When to settle; undefined while nothing is missing. */
  readonly dueAt: number | undefined;
}

export interface FrameLineOptions {
  /** How long a missing frame may still come. */
  waitMs: number;
  /** Samples that may wait behind a hole; beyond them it is not waited for. */
  mostWaiting: number;
  /** Samples that may be missing at once. */
  mostMissing: number;
}

interface Waiting<Content> extends PlacedFrame<Content> {
  position: number;
}

export function createFrameLine<Content>(
  from: number,
  { waitMs, mostWaiting, mostMissing }: FrameLineOptions,
): FrameLine<Content> {
  let next = from;
  let dueAt: number | undefined;
  /** Behind a hole, by position; of equals the earlier one first. */
  const waiting: Waiting<Content>[] = [];

  function* goOn(): Generator<LinePiece<Content>, void> {
    for (let head = waiting[0]; head !== undefined && head.position <= next; head = waiting[0]) {
      waiting.shift();
      const { position, samples, content } = head;
      const skip = Math.min(samples, next - position);
      next += samples - skip;
      yield { kind: "frame", position, samples, skip, content };
    }
  }

  function insert(frame: Waiting<Content>): void {
    const at = waiting.findIndex(({ position }) => position > frame.position);
    waiting.splice(at < 0 ? waiting.length : at, 0, frame);
  }

  const end = () => waiting.reduce((furthest, { position, samples }) => Math.max(furthest, position + samples), next);
  const waitingSamples = () => waiting.reduce((sum, { samples }) => sum + samples, 0);

  function* release(now: number, given: boolean): Generator<LinePiece<Content>, void> {
    yield* goOn();
    for (let head = waiting[0]; head !== undefined && (given || waitingSamples() > mostWaiting); head = waiting[0]) {
      const gap = { kind: "gap" as const, from: next, to: head.position };
      next = head.position;
      yield gap;
      yield* goOn();
    }
    dueAt = waiting.length === 0 ? undefined : (dueAt ?? now + waitMs);
  }

  return {
    take({ position, samples, content }, now) {
      const placed = position ?? end();
      if (placed > end() + mostMissing) {
        throw new SpeechError("frame_invalid", `position: ${placed} is too far from ${next}, up to where audio came.`, {
          param: "position",
        });
      }
      insert({ position: placed, samples, content });
      return [...release(now, false)];
    },
    settle(now) {
      return [...release(now, dueAt !== undefined && now >= dueAt)];
    },
    get next() {
      return next;
    },
    get dueAt() {
      return dueAt;
    },
  };
}
