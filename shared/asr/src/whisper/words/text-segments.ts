/**
 * The stretches of a text between its timestamps, cut at pairs as openai-whisper's `transcribe` does. It drops an end
 * without a closing timestamp and hears it again in its next window; a row of a pass is all there is, so here the end is
 * the last stretch.
 */
import type { TextSegment } from "./word-times.ts";

const SECONDS_PER_TIMESTAMP = 0.02;

export function textSegments(tokens: readonly number[], firstTimestamp: number, seconds: number): TextSegment[] {
  const isTimestamp = (token: number | undefined) => token !== undefined && token >= firstTimestamp;
  const time = (token: number | undefined) => ((token ?? firstTimestamp) - firstTimestamp) * SECONDS_PER_TIMESTAMP;
  const cuts = [...tokens.keys()].filter((place) => isTimestamp(tokens[place]) && isTimestamp(tokens[place - 1]));
  if (cuts.length === 0) {
    const last = tokens.findLast(isTimestamp);
    return [{ start: 0, end: last === undefined || last === firstTimestamp ? seconds : time(last), tokens }];
  }
  const closed = isTimestamp(tokens.at(-1)) && !isTimestamp(tokens.at(-2));
  const segments: TextSegment[] = [];
  let begin = 0;
  for (const cut of closed ? [...cuts, tokens.length] : cuts) {
    const part = tokens.slice(begin, cut);
    segments.push({ start: time(part[0]), end: time(part.at(-1)), tokens: part });
    begin = cut;
  }
  if (begin < tokens.length) segments.push({ start: time(tokens[begin]), end: seconds, tokens: tokens.slice(begin) });
  return segments;
}
