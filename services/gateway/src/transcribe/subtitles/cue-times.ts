/**
 * The times of cues in whole milliseconds: ascending, within the audio, none in another. A cue that is too short stays on in
 * the silence behind it.
 */
import type { Span } from "./unit-times.ts";

export interface CueLimits {
  /** Of the audio. */
  seconds: number;
  shortest: number;
  longest: number;
}

/** Seconds → milliseconds. More cues than the audio has milliseconds, which nobody says, go on behind its end. */
export function timeCues(spans: readonly Span[], { seconds, shortest, longest }: CueLimits): Span[] {
  const total = Math.max(Math.floor(seconds * 1_000), spans.length);
  const starts = spans.map(({ start }) => Math.max(0, Math.round(start * 1_000)));
  for (let index = 1; index < starts.length; index++) {
    starts[index] = Math.max(starts[index] ?? 0, (starts[index - 1] ?? 0) + 1);
  }
  let next = total;
  for (let index = starts.length - 1; index >= 0; index--) {
    next = Math.min(starts[index] ?? 0, next - 1);
    starts[index] = next;
  }
  return starts.map((start, index) => {
    const said = Math.round((spans[index]?.end ?? 0) * 1_000);
    const wanted = Math.max(Math.min(said, start + longest * 1_000), start + Math.max(1, shortest * 1_000));
    return { start, end: Math.min(wanted, starts[index + 1] ?? total) };
  });
}
